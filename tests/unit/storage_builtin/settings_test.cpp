// Tags, documents of buckets, limits, repeated writes.
#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

class FolderSettings : public FolderTest {};

TEST_F(FolderSettings, replaces_tags_and_nothing_else) {
    ASSERT_TRUE(put("k", "bytes", {.headers = {.metadata = {{"m", "v"}}, .tags = {{"a", "1"}, {"b", "2"}}}}));
    EXPECT_EQ(get("k"), "bytes");  // in the cache of open objects now
    const auto before = store->objects().stat(bucket, key_of("k"));
    ASSERT_TRUE(store->objects().set_tags(bucket, key_of("k"), {{"c", ""}}));
    const auto after = store->objects().stat(bucket, key_of("k"));
    EXPECT_EQ(after->headers.tags, (Tags{{"c", ""}}));
    EXPECT_EQ(after->headers.metadata, before->headers.metadata);
    EXPECT_EQ(after->etag, before->etag);
    EXPECT_EQ(after->last_modified, before->last_modified);
    EXPECT_EQ(after->sequence, before->sequence);
    reopen();
    EXPECT_EQ(store->objects().stat(bucket, key_of("k"))->headers.tags, (Tags{{"c", ""}}));
    EXPECT_EQ(get("k"), "bytes");
    EXPECT_EQ(code_of(store->objects().set_tags(bucket, key_of("none"), {})), ErrorCode::store_no_such_key);
    EXPECT_EQ(events.size(), 1U);
}

TEST_F(FolderSettings, keeps_documents_of_a_bucket_until_it_is_removed) {
    EXPECT_EQ(*store->buckets().document(bucket, "cors"), std::nullopt);
    ASSERT_TRUE(store->buckets().set_document(bucket, "cors", "one"));
    ASSERT_TRUE(store->buckets().set_document(bucket, "cors", "two"));
    ASSERT_TRUE(store->buckets().set_document(bucket, "tagging", "three"));
    reopen();
    EXPECT_EQ(*store->buckets().document(bucket, "cors"), "two");
    EXPECT_EQ(*store->buckets().documents("cors"), (std::map<Bucket, std::string>{{bucket, "two"}}));
    ASSERT_TRUE(store->buckets().set_document(bucket, "tagging", std::nullopt));
    EXPECT_EQ(*store->buckets().document(bucket, "tagging"), std::nullopt);
    ASSERT_TRUE(store->buckets().remove(bucket));
    ASSERT_TRUE(store->buckets().create(bucket));
    EXPECT_EQ(*store->buckets().document(bucket, "cors"), std::nullopt);
    EXPECT_EQ(code_of(store->buckets().set_document(Bucket::trusted("none"), "cors", "x")),
              ErrorCode::store_no_such_bucket);
}

TEST_F(FolderSettings, gives_a_repeated_write_the_first_result) {
    const FinishOptions once{.condition = {.only_if_absent = true, .may_repeat = true}};
    const WriteOptions with{.headers = {.content_type = "image/png", .metadata = {{"m", "v"}}}};
    const auto first = put("k", "bytes", with, once);
    ASSERT_TRUE(first);
    clock.advance(std::chrono::seconds{5});
    const auto again = put("k", "bytes", with, once);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->etag, first->etag);
    EXPECT_EQ(again->last_modified, first->last_modified);
    EXPECT_EQ(again->sequence, first->sequence);
    EXPECT_EQ(events.size(), 1U);
    EXPECT_EQ(code_of(put("k", "other", with, once)), ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(put("k", "bytes", {}, once)), ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(put("k", "bytes", with, {.condition = {.only_if_absent = true}})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(get("k"), "bytes");
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderSettings, holds_the_limit_of_a_bucket_for_every_way_in) {
    store.reset();
    auto with = options();
    with.largest.emplace(bucket, 12);
    store = std::move(*FolderStore::open(with, {clock, random}));
    const Bucket other = Bucket::trusted("other");
    ASSERT_TRUE(store->buckets().create(other));
    EXPECT_TRUE(put("k", "123456789012"));
    EXPECT_EQ(code_of(put("k", "1234567890123")), ErrorCode::body_too_large);
    EXPECT_EQ(get("k"), "123456789012");
    EXPECT_EQ(code_of(store->objects().write(bucket, key_of("k"), {.announced = 13})),
              ErrorCode::body_too_large);

    const http::MemorySource large{std::string_view{"1234567890123"}};
    ASSERT_TRUE(store->put(other, key_of("k"), large, {}));
    EXPECT_EQ(code_of(store->objects().copy({other, key_of("k")}, {bucket, key_of("c")}, {})),
              ErrorCode::body_too_large);
    const ObjectName name{bucket, key_of("m")};
    const auto upload = *store->uploads().start(bucket, name.key, {});
    const auto one = part(name, {upload, 1}, "1234567890"), two = part(name, {upload, 2}, "123");
    EXPECT_EQ(code_of(store->uploads().complete(
                  name, upload, {{1, one->etag, std::nullopt}, {2, two->etag, std::nullopt}}, {})),
              ErrorCode::body_too_large);
    EXPECT_TRUE(store->uploads().complete(name, upload, {{1, one->etag, std::nullopt}}, {}));
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 3U);
}

TEST_F(FolderSettings, computes_the_checksum_that_a_copy_asks_for) {
    ASSERT_TRUE(put("k", "123456789", {.keep = ChecksumAlgorithm::sha1}));
    const ObjectName from{bucket, key_of("k")};
    const auto plain = store->objects().copy(from, {bucket, key_of("a")}, {});
    EXPECT_EQ(plain->checksum->algorithm, ChecksumAlgorithm::sha1);
    const auto made =
        store->objects().copy(from, {bucket, key_of("b")}, {.checksum = ChecksumAlgorithm::crc32});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->checksum->value, "y/Q5Jg==");
    const auto itself = store->objects().copy(from, from, {.checksum = ChecksumAlgorithm::crc64nvme});
    ASSERT_TRUE(itself) << itself.error().detail;
    EXPECT_EQ(store->objects().stat(bucket, key_of("k"))->checksum->value, "rosUhgp5mIg=");
    EXPECT_EQ(code_of(store->objects().copy(from, from, {})), ErrorCode::store_refused);
}

TEST_F(FolderSettings, counts_what_a_prefix_holds) {
    ASSERT_TRUE(put("p/1", "123"));
    ASSERT_TRUE(put("q/1", "12345"));
    ASSERT_TRUE(put("q/2", "1234567"));
    ASSERT_TRUE(put("r", "1"));
    const auto usage = store->objects().usage(bucket, "q/");
    ASSERT_TRUE(usage);
    EXPECT_EQ(usage->objects, 2U);
    EXPECT_EQ(usage->bytes, 12U);
    EXPECT_EQ(store->objects().usage(bucket, "none")->bytes, 0U);
}

}  // namespace
}  // namespace photogate::storage::builtin
