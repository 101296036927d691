#include <atomic>
#include <fstream>
#include <thread>

#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

class FolderStoreTest : public FolderTest {};

TEST_F(FolderStoreTest, treats_keys_as_bytes_instead_of_file_names) {
    std::vector<std::string> keys{"a",
                                  "a/b",
                                  "a//b",
                                  "a/",
                                  "/a",
                                  "//",
                                  "..",
                                  "../../x",
                                  "./.",
                                  "A",
                                  "a/B",
                                  "con",
                                  "a\\b",
                                  "%2e%2e",
                                  "lock",
                                  "index.sqlite",
                                  "\xC3\xA9",
                                  "e\xCC\x81",
                                  std::string{"n\0l", 3},
                                  std::string{"\xFF\xFE"},
                                  std::string(1024, 'k'),
                                  std::string(300, '/')};
    for (const auto& key : keys)
        ASSERT_TRUE(put(key, "bytes of " + key)) << key;
    reopen();
    for (const auto& key : keys)
        EXPECT_EQ(get(key), "bytes of " + key);
    const auto page = store->list(bucket, {});
    ASSERT_TRUE(page);
    std::sort(keys.begin(), keys.end());
    std::vector<std::string> listed;
    for (const auto& object : page->objects)
        listed.push_back(object.key.str());
    EXPECT_EQ(listed, keys);
    EXPECT_EQ(code_of(put("", "x")), ErrorCode::invalid_field);
    EXPECT_EQ(code_of(put(std::string(1025, 'k'), "x")), ErrorCode::invalid_field);
    EXPECT_EQ(
        code_of(store->objects().copy({bucket, key_of("a")}, {bucket, key_of(std::string(1025, 'k'))}, {})),
        ErrorCode::invalid_field);
}

TEST_F(FolderStoreTest, returns_object_metadata) {
    ObjectHeaders headers{.content_type = "image/jpeg",
                          .cache_control = "max-age=1",
                          .content_disposition = "inline; filename=\"a b\"",
                          .content_encoding = "identity",
                          .content_language = "de",
                          .expires = "Thu, 01 Dec 1994 16:00:00 GMT",
                          .metadata = {{"a", ""}, {"title", "\xC3\xA9t\xC3\xA9"}}};
    const auto made = put("k", "abc", {.headers = headers, .keep = ChecksumAlgorithm::crc32c});
    ASSERT_TRUE(made);
    reopen();
    const auto found = store->objects().stat(bucket, key_of("k"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->headers, headers);
    EXPECT_EQ(found->etag.str(), md5_hex("abc"));
    EXPECT_EQ(found->size, 3U);
    EXPECT_EQ(found->last_modified, clock.now());
    EXPECT_EQ(found->checksum, (Checksum{ChecksumAlgorithm::crc32c, "Nks/tw=="}));
    EXPECT_EQ(found->part_count, 0U);
}

TEST_F(FolderStoreTest, rejects_body_other_than_announced_and_keeps_the_old_one) {
    ASSERT_TRUE(put("k", "old"));
    const auto other = ChecksumAlgorithm::sha256;
    EXPECT_EQ(code_of(put("k", "new", {}, {.expected_size = 4})), ErrorCode::size_mismatch);
    EXPECT_EQ(code_of(put("k", "new", {}, {.expected_md5 = base64(signer::md5(as_bytes("old")))})),
              ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(code_of(put("k", "new", {.digests = {other}},
                          {.expected = {{other, base64(signer::sha256("old"))}}})),
              ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(get("k"), "old");
    ASSERT_TRUE(put("k", "new", {.digests = {other}},
                    {.expected_size = 3,
                     .expected_md5 = base64(signer::md5(as_bytes("new"))),
                     .expected = {{other, base64(signer::sha256("new"))}}}));
    EXPECT_EQ(get("k"), "new");
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderStoreTest, leaves_no_trace_of_dropped_writer) {
    {
        auto writer = store->objects().write(bucket, key_of("k"), {});
        ASSERT_TRUE(writer);
        ASSERT_TRUE(writer->append(as_bytes("half of it")));
        EXPECT_EQ(code_of(get("k")), ErrorCode::store_no_such_key);
    }
    EXPECT_EQ(bodies_on_disk(), 0U);
    EXPECT_TRUE(events.empty());
}

TEST_F(FolderStoreTest, evaluates_conditions_at_commit) {
    auto early = store->objects().write(bucket, key_of("k"), {});
    ASSERT_TRUE(early && early->append(as_bytes("late")));
    const auto first = put("k", "first", {}, {.condition = {.only_if_absent = true}});
    ASSERT_TRUE(first);
    EXPECT_EQ(code_of(early->finish({.condition = {.only_if_absent = true}})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(put("k", "x", {}, {.condition = {.if_match = ETag::trusted("another")}})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(put("none", "x", {}, {.condition = {.if_match = first->etag}})),
              ErrorCode::store_no_such_key);
    EXPECT_EQ(get("k"), "first");
    ASSERT_TRUE(put("k", "second", {}, {.condition = {.if_match = first->etag}}));
    EXPECT_EQ(get("k"), "second");
    EXPECT_EQ(code_of(store->objects().remove_if(bucket, key_of("k"), first->etag)),
              ErrorCode::store_precondition_failed);
    EXPECT_TRUE(store->objects().remove_if(bucket, key_of("k"), ETag::trusted(md5_hex("second"))));
    EXPECT_EQ(code_of(get("k")), ErrorCode::store_no_such_key);
}

TEST_F(FolderStoreTest, lets_one_of_many_write_once_writers_win) {
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            const auto done =
                put("k", "writer " + std::to_string(i), {}, {.condition = {.only_if_absent = true}});
            if (done) {
                ++winners;
                EXPECT_EQ(get("k"), "writer " + std::to_string(i));
            } else {
                EXPECT_EQ(done.error().code, ErrorCode::store_precondition_failed);
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(winners, 1);
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderStoreTest, keeps_object_for_reader_during_overwrites) {
    ASSERT_TRUE(put("k", "the first"));
    const auto reader = store->objects().read(bucket, key_of("k"));
    ASSERT_TRUE(reader);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(put("k", "another " + std::to_string(i)));
    ASSERT_TRUE(store->remove(bucket, key_of("k"), std::nullopt));
    EXPECT_EQ(all_of(*reader), "the first");
}

TEST_F(FolderStoreTest, frees_disk_of_replaced_or_removed_objects) {
    for (int i = 0; i < 300; ++i)
        ASSERT_TRUE(put("k" + std::to_string(i % 3), std::to_string(i)));
    ASSERT_TRUE(store->remove_many(bucket, {key_of("k0"), key_of("not there")}));
    reopen();
    EXPECT_EQ(bodies_on_disk(), 2U);
    EXPECT_EQ(get("k1"), "298");
}

TEST_F(FolderStoreTest, shares_bytes_of_copy_that_outlives_its_source) {
    ASSERT_TRUE(put("from", "abc", {.headers = {.content_type = "image/png", .metadata = {{"a", "1"}}}}));
    const auto source = store->objects().stat(bucket, key_of("from"));
    const auto copied = store->objects().copy({bucket, key_of("from")}, {bucket, key_of("to")}, {});
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->headers, source->headers);
    EXPECT_EQ(copied->etag, source->etag);
    ASSERT_TRUE(store->objects().copy({bucket, key_of("from")}, {bucket, key_of("from")},
                                      {.replace = ObjectHeaders{.content_type = "text/plain"}}));
    EXPECT_EQ(store->objects().stat(bucket, key_of("from"))->headers.content_type, "text/plain");
    ASSERT_TRUE(store->remove(bucket, key_of("from"), std::nullopt));
    reopen();
    EXPECT_EQ(get("to"), "abc");
    EXPECT_TRUE(store->objects().verify(bucket, key_of("to")));
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderStoreTest, checks_conditions_on_the_copy_source) {
    ASSERT_TRUE(put("from", "abc"));
    const ObjectName from{bucket, key_of("from")};
    const ObjectName to{bucket, key_of("to")};
    const auto etag = ETag::trusted(md5_hex("abc"));
    const auto refused = [&](const StoreCopyOptions& with) {
        return code_of(store->objects().copy(from, to, with));
    };
    EXPECT_EQ(refused({.if_source_matches = ETag::trusted("x")}), ErrorCode::store_precondition_failed);
    EXPECT_EQ(refused({.if_source_differs = etag}), ErrorCode::store_precondition_failed);
    EXPECT_EQ(refused({.if_source_modified_since = clock.now()}), ErrorCode::store_precondition_failed);
    EXPECT_EQ(refused({.if_source_unmodified_since = clock.now() - std::chrono::seconds{5}}),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(store->objects().copy(from, from, {})), ErrorCode::store_refused);
    EXPECT_EQ(code_of(store->objects().copy({bucket, key_of("none")}, to, {})), ErrorCode::store_no_such_key);
    EXPECT_EQ(code_of(store->objects().copy(from, {Bucket::trusted("none"), to.key}, {})),
              ErrorCode::store_no_such_bucket);
    EXPECT_TRUE(
        store->objects().copy(from, to, {.if_source_matches = etag, .condition = {.only_if_absent = true}}));
    EXPECT_EQ(refused({.condition = {.only_if_absent = true}}), ErrorCode::store_precondition_failed);
}

TEST_F(FolderStoreTest, creates_buckets_once_and_deletes_only_empty_ones) {
    const auto other = Bucket::trusted("other");
    EXPECT_EQ(store->buckets().create(other), BucketMade::created);
    EXPECT_EQ(store->buckets().create(other), BucketMade::existed);
    EXPECT_EQ(store->buckets().list()->size(), 2U);
    ASSERT_TRUE(put("k", "x"));
    EXPECT_EQ(code_of(store->buckets().remove(bucket)), ErrorCode::store_bucket_not_empty);
    EXPECT_TRUE(store->buckets().remove(other));
    EXPECT_EQ(code_of(store->check_bucket(other)), ErrorCode::store_no_such_bucket);
    EXPECT_EQ(code_of(store->objects().write(other, key_of("k"), {})), ErrorCode::store_no_such_bucket);
    EXPECT_EQ(code_of(store->objects().stat(other, key_of("k"))), ErrorCode::store_no_such_bucket);
    EXPECT_EQ(code_of(store->list(other, {})), ErrorCode::store_no_such_bucket);
}

TEST_F(FolderStoreTest, deletes_bucket_with_unfinished_uploads_and_frees_their_parts) {
    const auto upload = store->uploads().start(bucket, key_of("u"), {});
    ASSERT_TRUE(part({bucket, key_of("u")}, {*upload, 1}, "0123456789"));
    EXPECT_TRUE(store->buckets().remove(bucket));
    reopen();
    EXPECT_EQ(bodies_on_disk(), 0U);
    EXPECT_TRUE(store->uploads().list(bucket, {})->uploads.empty());
}

TEST_F(FolderStoreTest, removes_only_objects_that_match_their_conditions) {
    const auto first = put("a", "one");
    ASSERT_TRUE(first && put("b", "two") && put("c", "three"));
    clock.advance(std::chrono::hours{1});
    const auto other = ETag::trusted("0123456789abcdef0123456789abcdef");
    const auto seconds = std::chrono::floor<std::chrono::seconds>(first->last_modified);
    const auto outcome = store->objects().remove_matching(
        bucket, {{.key = key_of("a"), .etag = other},
                 {.key = key_of("a"), .size = 4},
                 {.key = key_of("a"), .modified = seconds + std::chrono::seconds{1}},
                 {.key = key_of("none"), .etag = other},
                 {.key = key_of("b"), .etag = ETag::trusted(md5_hex("two")), .size = 3, .modified = seconds},
                 {.key = key_of("c")},
                 {.key = key_of("none")}});
    ASSERT_TRUE(outcome);
    for (const std::size_t refused : {0U, 1U, 2U})
        EXPECT_EQ((*outcome)[refused]->code, ErrorCode::store_precondition_failed) << refused;
    EXPECT_EQ((*outcome)[3]->code, ErrorCode::store_no_such_key);
    for (const std::size_t gone : {4U, 5U, 6U})
        EXPECT_FALSE((*outcome)[gone]) << gone;
    EXPECT_EQ(get("a"), "one");
    EXPECT_EQ(store->list(bucket, {})->objects.size(), 1U);
}

TEST_F(FolderStoreTest, rejects_second_store_on_the_folder_with_clear_message) {
    const auto second = FolderStore::open(options(), {clock, random});
    EXPECT_EQ(code_of(second), ErrorCode::store_in_use);
    EXPECT_NE(second.error().detail.find(options().folder.string()), std::string::npos);
    EXPECT_TRUE(put("k", "x"));
    store.reset();
    EXPECT_TRUE(FolderStore::open(options(), {clock, random}));
}

TEST_F(FolderStoreTest, detects_bytes_changed_on_disk) {
    ASSERT_TRUE(put("k", "abcdef", {.keep = ChecksumAlgorithm::sha256}));
    EXPECT_TRUE(store->objects().verify(bucket, key_of("k")));
    for (const auto& entry : std::filesystem::recursive_directory_iterator{home.path / "store" / "bytes"}) {
        if (!entry.is_regular_file()) continue;
        std::fstream file{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
        file.seekp(2);
        file.put('X');
    }
    EXPECT_EQ(code_of(store->objects().verify(bucket, key_of("k"))), ErrorCode::store_checksum_mismatch);
}

TEST_F(FolderStoreTest, announces_each_creation_after_commit_filtered_by_rules) {
    store.reset();
    std::vector<std::string> told;
    auto with = options();
    with.on_created = [&](const ObjectCreated& event) {
        EXPECT_EQ(store->objects().stat(event.bucket, event.key)->etag, event.etag);
        told.push_back(event.event + " " + event.key.str() + " " + std::to_string(event.size));
    };
    store = std::move(*FolderStore::open(with, {clock, random}));
    ASSERT_TRUE(put("u/1", "abc"));
    ASSERT_TRUE(put("u/2", "abcd", {.creation = Creation::post}));
    ASSERT_TRUE(store->set_notifications(
        bucket, {{.id = "1", .queue_arn = "arn", .events = {"s3:ObjectCreated:Copy"}, .prefix = "u/"}}));
    ASSERT_TRUE(put("u/3", "abc"));
    ASSERT_TRUE(store->objects().copy({bucket, key_of("u/1")}, {bucket, key_of("v/4")}, {}));
    ASSERT_TRUE(store->objects().copy({bucket, key_of("u/1")}, {bucket, key_of("u/5")}, {}));
    EXPECT_EQ(told, (std::vector<std::string>{"s3:ObjectCreated:Put u/1 3", "s3:ObjectCreated:Post u/2 4",
                                              "s3:ObjectCreated:Copy u/5 3"}));
    store.reset();
    store = std::move(*FolderStore::open(with, {clock, random}));
    ASSERT_TRUE(put("u/6", "abc"));
    EXPECT_EQ(told.size(), 3U);
    EXPECT_EQ(store->buckets().notifications(bucket)->at(0).queue_arn, "arn");
}

TEST_F(FolderStoreTest, increases_sequencers_across_restarts) {
    ASSERT_TRUE(put("a", "1"));
    ASSERT_TRUE(put("a", "2"));
    reopen();
    ASSERT_TRUE(put("a", "3"));
    ASSERT_EQ(events.size(), 3U);
    EXPECT_LT(events[0].sequencer, events[1].sequencer);
    EXPECT_LT(events[1].sequencer, events[2].sequencer);
}

}  // namespace
}  // namespace photogate::storage::builtin
