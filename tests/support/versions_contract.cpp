#include "tests/support/versions_contract.hpp"

#include <atomic>
#include <thread>

namespace photogate::test {

using namespace std::chrono_literals;
using namespace storage::records;

VersionName VersionsContract::name(const std::string& key) {
    return {upload, key};
}

VersionClaim VersionsContract::claim(const VersionName& name) {
    return world->versions().claim(name, 60s).value();
}

std::string VersionsContract::claimed(const VersionName& name) {
    return std::get<ClaimedVersion>(claim(name)).token;
}

NewVersion VersionsContract::version(const std::string& hash) {
    NewVersion made;
    made.image.key = ObjectKey::trusted("v/x/0123456789abcdef-" + hash.substr(0, 16) + ".webp");
    made.image.etag = ETag::trusted("e");
    made.image.sha256 = hash;
    made.image.format = "webp";
    made.image.width = 480;
    made.image.height = 320;
    made.image.size = 1'234;
    made.bucket = Bucket::trusted("public");
    made.crc32 = 0xFFFFFFFF;
    return made;
}

TEST_P(VersionsContract, is_claimed_by_one_until_it_is_stored) {
    const auto token = claimed(name());
    const auto other = claim(name());
    ASSERT_TRUE(std::holds_alternative<VersionElsewhere>(other));
    EXPECT_GT(std::get<VersionElsewhere>(other).until, 1s);
    EXPECT_LE(std::get<VersionElsewhere>(other).until, 60s);
    EXPECT_FALSE(world->versions().find(name()).value());
    const auto stored = world->versions().finish(name(), token, version());
    ASSERT_TRUE(stored) << stored.error().detail;
    EXPECT_EQ(stored->image, version().image);
    const auto found = world->versions().find(name()).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->image, version().image);
    EXPECT_EQ(found->bucket.str(), "public");
    EXPECT_EQ(std::get<StoredVersion>(claim(name())).image, version().image);
    EXPECT_TRUE(std::holds_alternative<ClaimedVersion>(claim(name("another")))) << "each key is its own";
}

TEST_P(VersionsContract, no_more_of_an_image_are_begun_than_it_may_have) {
    const auto bounded = [&](const std::string& key) {
        return world->versions().claim(name(key), 60s, 3).value();
    };
    ASSERT_TRUE(world->versions().finish(name("a"), claimed(name("a")), version()));
    const auto token = std::get<ClaimedVersion>(bounded("b")).token;
    EXPECT_TRUE(std::holds_alternative<ClaimedVersion>(bounded("c"))) << "one is stored, one begun";
    EXPECT_TRUE(std::holds_alternative<VersionsFull>(bounded("d")));
    EXPECT_TRUE(std::holds_alternative<StoredVersion>(bounded("a")));
    EXPECT_TRUE(std::holds_alternative<VersionElsewhere>(bounded("b")));
    ASSERT_TRUE(world->versions().give_up(name("b"), token, {"overloaded", 0ms, VersionFailure::Cost::free}));
    EXPECT_TRUE(std::holds_alternative<ClaimedVersion>(bounded("b"))) << "what was begun may be begun again";
    EXPECT_TRUE(std::holds_alternative<ClaimedVersion>(claim(name("d")))) << "without a bound";
    EXPECT_TRUE(std::holds_alternative<VersionsFull>(bounded("e")));
}

TEST_P(VersionsContract, is_claimed_by_one_of_many_at_once) {
    std::atomic<int> ours{0}, others{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            const auto found = claim(name());
            if (std::holds_alternative<ClaimedVersion>(found)) ++ours;
            if (std::holds_alternative<VersionElsewhere>(found)) ++others;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(ours, 1);
    EXPECT_EQ(others, 7);
}

TEST_P(VersionsContract, whose_lease_ran_out_goes_to_the_next_and_the_first_is_fenced) {
    const auto first = claimed(name());
    world->expire_leases();
    const auto second = std::get<ClaimedVersion>(claim(name()));
    EXPECT_EQ(second.failures, 1U);
    EXPECT_EQ(world->versions().finish(name(), first, version(std::string(64, 'a'))).error().code,
              ErrorCode::lease_lost);
    EXPECT_EQ(world->versions().give_up(name(), first, {"x", 0ms}).error().code, ErrorCode::lease_lost);
    EXPECT_TRUE(world->versions().finish(name(), second.token, version()));
    // Whoever is late learns what is there.
    EXPECT_EQ(world->versions().finish(name(), first, version(std::string(64, 'a')))->image, version().image);
}

TEST_P(VersionsContract, that_failed_is_not_tried_again_too_soon) {
    ASSERT_TRUE(world->versions().give_up(name(), claimed(name()), {"corrupt", 30s}));
    const auto failing = claim(name());
    ASSERT_TRUE(std::holds_alternative<VersionFailing>(failing));
    EXPECT_EQ(std::get<VersionFailing>(failing).code, "corrupt");
    EXPECT_GT(std::get<VersionFailing>(failing).until, 1s);
    EXPECT_LE(std::get<VersionFailing>(failing).until, 30s);
    world->all_due();
    auto again = std::get<ClaimedVersion>(claim(name()));
    EXPECT_EQ(again.failures, 1U);
    ASSERT_TRUE(
        world->versions().give_up(name(), again.token, {"overloaded", 0ms, VersionFailure::Cost::free}));
    world->all_due();
    EXPECT_EQ(std::get<ClaimedVersion>(claim(name())).failures, 1U) << "what is free does not count";
}

TEST_P(VersionsContract, of_a_deleted_upload_is_gone_and_its_object_is_to_be_removed) {
    ASSERT_TRUE(world->versions().finish(name(), claimed(name()), version()));
    const auto late = claimed(name("late"));
    EXPECT_TRUE(world->versions().being_removed(upload)->empty());
    world->erase(upload);
    EXPECT_FALSE(world->versions().find(name()).value());
    EXPECT_EQ(world->versions().claim(name("new"), 60s).error().code, ErrorCode::gone);
    EXPECT_EQ(world->versions().finish(name("late"), late, version(std::string(64, 'd'))).error().code,
              ErrorCode::gone);
    EXPECT_EQ(world->versions().being_removed(upload).value(), std::vector<ObjectKey>{version().image.key});
}

TEST_P(VersionsContract, whose_object_the_orphan_collector_removed_is_put_again) {
    const auto token = claimed(name());
    world->mark_removed(version().bucket, version().image.key);
    EXPECT_EQ(world->versions().finish(name(), token, version()).error().code, ErrorCode::state_conflict);
    EXPECT_TRUE(world->versions().finish(name(), token, version())) << "the claim is still its";
}

TEST_P(VersionsContract, of_no_upload_is_gone) {
    const VersionName nobody{UploadId::trusted("upl_00000000000000000000000000"), "k"};
    EXPECT_EQ(world->versions().claim(nobody, 60s).error().code, ErrorCode::gone);
    EXPECT_FALSE(world->versions().find(nobody).value());
}

}  // namespace photogate::test
