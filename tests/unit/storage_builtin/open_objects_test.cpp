#include "storage/builtin/open_objects.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

const Bucket kBucket = Bucket::trusted("pictures");

std::shared_ptr<const OpenObject> object_of(std::uint64_t content) {
    auto object = std::make_shared<OpenObject>();
    object->row.content = content;
    return object;
}

TEST(OpenObjects, does_not_cache_object_found_during_a_commit) {
    OpenObjects objects;
    const auto before = objects.moment();
    objects.withdraw(1);
    objects.keep(kBucket, key_of("a"), object_of(1), before);
    EXPECT_EQ(objects.find(kBucket, key_of("a")), nullptr) << "kept while its commit was under way";
    const auto during = objects.moment();
    objects.settle();
    objects.keep(kBucket, key_of("a"), object_of(1), during);
    EXPECT_EQ(objects.find(kBucket, key_of("a")), nullptr) << "the index was asked before the commit ended";
    objects.keep(kBucket, key_of("a"), object_of(2), objects.moment());
    ASSERT_NE(objects.find(kBucket, key_of("a")), nullptr);
    EXPECT_EQ(objects.find(kBucket, key_of("a"))->row.content, 2U);
}

TEST(OpenObjects, caches_after_commit_that_removes_nothing) {
    OpenObjects objects;
    const auto moment = objects.moment();
    objects.settle();
    objects.keep(kBucket, key_of("a"), object_of(1), moment);
    EXPECT_NE(objects.find(kBucket, key_of("a")), nullptr);
}

TEST(OpenObjects, evicts_least_recently_used_first) {
    OpenObjects objects;
    constexpr std::uint64_t kMore = 2'000;  // than are ever kept
    for (std::uint64_t i = 0; i < kMore; ++i) {
        objects.keep(kBucket, key_of(std::to_string(i)), object_of(i), objects.moment());
        ASSERT_NE(objects.find(kBucket, key_of("0")), nullptr) << "just asked for, after " << i;
    }
    EXPECT_EQ(objects.find(kBucket, key_of("1")), nullptr);
    EXPECT_NE(objects.find(kBucket, key_of(std::to_string(kMore - 1))), nullptr);
}

class FolderOpenTest : public FolderTest {};

TEST_F(FolderOpenTest, keeps_object_open_until_replaced_or_removed) {
    ASSERT_TRUE(put("a", "first"));
    EXPECT_FALSE(store->objects().read_if_open(bucket, key_of("a")));
    EXPECT_EQ(*get("a"), "first");
    auto open = store->objects().read_if_open(bucket, key_of("a"));
    ASSERT_TRUE(open);
    EXPECT_EQ(all_of(*open), "first");
    EXPECT_FALSE(store->objects().read_if_open(Bucket::trusted("others"), key_of("a")));

    ASSERT_TRUE(put("b", "a neighbour"));
    EXPECT_TRUE(store->objects().read_if_open(bucket, key_of("a"))) << "a new key leaves the others open";

    ASSERT_TRUE(put("a", "second"));
    EXPECT_FALSE(store->objects().read_if_open(bucket, key_of("a")));
    EXPECT_EQ(all_of(*open), "first") << "a reader keeps what it has";
    EXPECT_EQ(*get("a"), "second");
    ASSERT_TRUE(store->objects().read_if_open(bucket, key_of("a")));

    ASSERT_TRUE(store->remove(bucket, key_of("a"), std::nullopt));
    EXPECT_FALSE(store->objects().read_if_open(bucket, key_of("a")));
    EXPECT_EQ(code_of(store->objects().stat(bucket, key_of("a"))), ErrorCode::store_no_such_key);
}

TEST_F(FolderOpenTest, keeps_object_after_rejected_write) {
    ASSERT_TRUE(put("a", "first"));
    ASSERT_TRUE(get("a"));
    EXPECT_EQ(code_of(put("a", "second", {}, {.condition = {.only_if_absent = true}})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(*get("a"), "first");
}

TEST_F(FolderOpenTest, reads_multipart_object_from_its_own_files) {
    const ObjectName name{bucket, key_of("parts")};
    const auto upload = store->uploads().start(bucket, name.key, {});
    ASSERT_TRUE(upload);
    const auto one = part(name, {*upload, 1}, "0123456789");
    const auto two = part(name, {*upload, 2}, "end");
    ASSERT_TRUE(one && two);
    ASSERT_TRUE(store->uploads().complete(name, *upload, {{1, one->etag, {}}, {2, two->etag, {}}}, {}));
    EXPECT_EQ(*get("parts"), "0123456789end");
    EXPECT_FALSE(store->objects().read_if_open(bucket, name.key));
}

TEST_F(FolderOpenTest, never_reads_older_state_than_an_acknowledged_write) {
    ASSERT_TRUE(put("hot", "0"));
    std::atomic<int> answered{0};
    std::atomic<bool> over{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            int last = 0;
            while (!over) {
                const int known = answered;
                const auto text = get("hot");
                ASSERT_TRUE(text);
                const int seen = std::stoi(*text);
                EXPECT_GE(seen, known) << "a write was answered before this read began";
                EXPECT_GE(seen, last) << "time went backwards";
                last = seen;
            }
        });
    }
    for (int version = 1; version <= 300; ++version) {
        ASSERT_TRUE(put("hot", std::to_string(version)));
        answered = version;
    }
    over = true;
    for (auto& reader : readers)
        reader.join();
}

}  // namespace
}  // namespace photogate::storage::builtin
