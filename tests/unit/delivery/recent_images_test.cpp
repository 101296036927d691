#include "delivery/recent_images.hpp"

#include <gtest/gtest.h>

#include "model/object_layout.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/fake_versions.hpp"

namespace photogate::delivery {
namespace {

using namespace std::chrono_literals;
using model::UploadState;

class RecentImagesTest : public testing::Test {
  protected:
    pipeline::Stores make_stores() {
        model::StoreRegion region;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::make_unique<test::FakeStore>()});
        return pipeline::Stores{std::move(all)};
    }
    model::Upload make_published() {
        storage::records::NewUpload item;
        item.upload.id = make_upload_id(clock.now(), random);
        item.upload.public_id = make_public_id(random);
        item.upload.region = "default";
        const auto id = item.upload.id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        records.change(id, [&](model::Upload& changed) {
            changed.state = UploadState::published;
            model::PublishedImage image;
            image.sha256 = std::string(64, 'a');
            image.format = "jpeg";
            image.key = model::published_key(changed.public_id, image.sha256, "jpg");
            image.size = 7;
            changed.image = image;
        });
        return records.find(std::nullopt, id).value();
    }
    /// By what was looked up before, else anew.
    bool served(const PublicId& id) {
        if (const auto found = recent.find(id.str()); found.image) return true;
        return recent.look_up(id.str()).has_value();
    }

    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    test::FakeRecords records{clock};
    test::FakeVersions versions{clock};
    pipeline::Stores stores = make_stores();
    PublishedImages images{records, stores};
    RecentImages::Steady::time_point now{};
    RecentImages recent{images, versions, [this] { return now; }};
};

TEST_F(RecentImagesTest, the_records_are_asked_once_within_a_lease) {
    const auto id = make_published().public_id;
    EXPECT_EQ(recent.find(id.str()).image, nullptr);
    const auto found = recent.look_up(id.str());
    ASSERT_TRUE(found);
    EXPECT_EQ((*found)->content, id.str() + "/" + std::string(64, 'a'));
    now += RecentImages::kLease - 1ms;
    EXPECT_EQ(recent.find(id.str()).image, *found);
    EXPECT_EQ(records.calls("find_public"), 1U);
    now += 1ms;
    EXPECT_EQ(recent.find(id.str()).image, nullptr) << "the lease is over";
}

TEST_F(RecentImagesTest, no_image_is_served_once_its_deletion_has_been_answered) {
    const auto upload = make_published();
    ASSERT_TRUE(recent.look_up(upload.public_id.str()));
    // Another gateway deletes it: nothing is told here.
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    now += RecentImages::kDeletionWait;
    EXPECT_EQ(recent.find(upload.public_id.str()).image, nullptr);
    EXPECT_EQ(recent.look_up(upload.public_id.str()).error().code, ErrorCode::gone);
}

TEST_F(RecentImagesTest, a_lease_counts_from_before_the_records_were_asked) {
    const auto upload = make_published();
    // They are slow, and the image is deleted after they have looked.
    records.before = [&](std::string_view) -> std::optional<Error> {
        now += 300ms;
        return std::nullopt;
    };
    ASSERT_TRUE(recent.look_up(upload.public_id.str()));
    records.before = nullptr;
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_TRUE(served(upload.public_id)) << "its deletion may not have been answered";
    now += RecentImages::kLease - 300ms;
    EXPECT_FALSE(served(upload.public_id));
}

TEST_F(RecentImagesTest, what_is_used_is_looked_up_again_before_its_lease_ends_by_one) {
    const auto id = make_published().public_id;
    ASSERT_TRUE(recent.look_up(id.str()));
    EXPECT_FALSE(recent.find(id.str()).renew);
    now += RecentImages::kLease / 2 + 1ms;
    EXPECT_TRUE(recent.find(id.str()).renew);
    EXPECT_FALSE(recent.find(id.str()).renew) << "one is at it";
    ASSERT_TRUE(recent.look_up(id.str()));
    now += RecentImages::kLease - 1ms;
    const auto again = recent.find(id.str());
    EXPECT_NE(again.image, nullptr);
    EXPECT_TRUE(again.renew) << "and again";
}

TEST_F(RecentImagesTest, whoever_may_not_see_it_is_refused_before_anything_is_kept) {
    const auto upload = make_published();
    const auto nobody = [&](const model::Upload* asked) -> Result<> {
        EXPECT_EQ(asked->id, upload.id);
        return fail(ErrorCode::signature_invalid, "");
    };
    EXPECT_EQ(recent.look_up(upload.public_id.str(), nobody).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(recent.find(upload.public_id.str()).image, nullptr);
    const auto image = recent.look_up(upload.public_id.str()).value();
    EXPECT_EQ(image->record->id, upload.id);
    EXPECT_EQ(image->record->app, upload.app);
}

TEST_F(RecentImagesTest, an_error_and_what_is_not_published_are_not_kept) {
    const auto unknown = make_public_id(random);
    EXPECT_EQ(recent.look_up(unknown.str()).error().code, ErrorCode::not_published);
    EXPECT_EQ(recent.find(unknown.str()).image, nullptr);
    EXPECT_EQ(recent.counts().entries, 0U);
}

TEST_F(RecentImagesTest, a_version_is_kept_beside_its_image_and_forgotten_with_it) {
    const auto upload = make_published();
    const auto image = recent.look_up(upload.public_id.str()).value();
    const auto none = recent.look_up_version(*image, "w320");
    ASSERT_TRUE(none);
    EXPECT_EQ(*none, nullptr);
    EXPECT_EQ(recent.find_version(*image, "w320").image, nullptr) << "that it is not made holds no longer";

    versions.publish(upload.id);
    const storage::records::VersionName name{upload.id, "w320"};
    const auto claim = versions.claim(name, 1s).value();
    storage::records::NewVersion made;
    made.image.key = ObjectKey::trusted("v/1");
    made.image.sha256 = std::string(64, 'b');
    made.image.format = "webp";
    ASSERT_TRUE(versions.finish(name, std::get<storage::records::ClaimedVersion>(claim).token, made));
    const auto version = recent.look_up_version(*image, "w320");
    ASSERT_TRUE(version && *version);
    EXPECT_EQ((*version)->media_type, "image/webp");
    EXPECT_EQ(recent.find_version(*image, "w320").image, *version);

    recent.forget(upload.public_id);
    EXPECT_EQ(recent.find(upload.public_id.str()).image, nullptr);
    EXPECT_EQ(recent.find_version(*image, "w320").image, nullptr);
    EXPECT_EQ(recent.counts().entries, 0U);
}

TEST_F(RecentImagesTest, holds_no_more_than_so_many_and_lets_go_of_those_whose_lease_is_over) {
    constexpr std::size_t kFew = 100;
    RecentImages few{images, versions, [this] { return now; }, kFew};
    const auto image = few.look_up(make_published().public_id.str()).value();
    versions.publish(image->upload);
    for (std::size_t each = 0; each < kFew + 10; ++each) {
        const storage::records::VersionName name{image->upload, std::to_string(each)};
        const auto claim = versions.claim(name, 1s).value();
        storage::records::NewVersion made;
        made.image.format = "webp";
        ASSERT_TRUE(versions.finish(name, std::get<storage::records::ClaimedVersion>(claim).token, made));
        ASSERT_TRUE(few.look_up_version(*image, name.spec_key));
    }
    EXPECT_EQ(few.counts().entries, kFew);
    EXPECT_GE(few.counts().evictions, 10U);
    now += RecentImages::kLease;
    ASSERT_TRUE(few.look_up(image->public_id.str()));
    EXPECT_EQ(few.counts().entries, 1U);
}

}  // namespace
}  // namespace photogate::delivery
