#include <stdexcept>
#include <thread>

#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

class FolderMultipart : public FolderTest {
  protected:
    std::string start(const UploadOptions& with = {}) {
        return *store->uploads().start(bucket, name.key, with);
    }
    ChosenPart give(const std::string& upload, std::uint32_t number, std::string_view bytes) {
        const auto stored = part(name, {upload, number}, bytes);
        if (!stored) throw std::runtime_error{stored.error().detail};
        return {number, stored->etag, stored->checksum};
    }
    Result<StoredObject> complete(const std::string& upload, const std::vector<ChosenPart>& parts,
                                  const CompleteOptions& with = {}) {
        return store->uploads().complete(name, upload, parts, with);
    }

    const ObjectName name{bucket, key_of("big")};
    const std::string ten = "0123456789";
};

TEST_F(FolderMultipart, joins_parts_in_order_of_their_numbers) {
    const auto upload = start({.headers = {.content_type = "image/heic", .metadata = {{"m", "v"}}}});
    const auto last = give(upload, 10'000, "end");
    const auto first = give(upload, 1, ten);
    EXPECT_EQ(code_of(get("big")), ErrorCode::store_no_such_key);
    EXPECT_TRUE(events.empty());
    const auto made = complete(upload, {first, last});
    ASSERT_TRUE(made);
    const auto md5s = *from_hex(md5_hex(ten) + md5_hex("end"));
    EXPECT_EQ(made->etag.str(), hex_lower(signer::md5(md5s)) + "-2");
    EXPECT_EQ(made->headers.content_type, "image/heic");
    EXPECT_EQ(made->part_count, 2U);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].event, "s3:ObjectCreated:CompleteMultipartUpload");
    EXPECT_EQ(events[0].size, 13U);
    reopen();
    const auto reader = store->objects().read(bucket, name.key);
    EXPECT_EQ(all_of(*reader), ten + "end");
    EXPECT_EQ(reader->part_sizes(), (std::vector<ByteSize>{10, 3}));
    const auto piece = reader->piece_at(11);
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->offset, 1U);
    EXPECT_EQ(piece->length, 2U);
    EXPECT_EQ(code_of(reader->piece_at(13)), ErrorCode::range_not_satisfiable);
    EXPECT_TRUE(store->objects().verify(bucket, name.key));
    const auto events_before = events.size();
    const auto again = complete(upload, {first, last});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->etag, store->objects().stat(bucket, name.key)->etag);
    EXPECT_EQ(events.size(), events_before);
    EXPECT_EQ(code_of(complete(upload, {first})), ErrorCode::store_no_such_upload);
}

TEST_F(FolderMultipart, rejects_wrong_list_of_parts_and_keeps_the_upload) {
    const auto upload = start();
    EXPECT_EQ(code_of(complete(upload, {})), ErrorCode::store_invalid_part);
    const auto one = give(upload, 1, ten);
    const auto two = give(upload, 2, "short");
    const auto three = give(upload, 3, ten);
    EXPECT_EQ(code_of(complete(upload, {two, one})), ErrorCode::store_invalid_part_order);
    EXPECT_EQ(code_of(complete(upload, {one, one})), ErrorCode::store_invalid_part_order);
    EXPECT_EQ(code_of(complete(upload, {one, {7, one.etag}})), ErrorCode::store_invalid_part);
    EXPECT_EQ(code_of(complete(upload, {{1, two.etag}})), ErrorCode::store_invalid_part);
    EXPECT_EQ(code_of(complete(upload, {one, two, three})), ErrorCode::store_part_too_small);
    EXPECT_EQ(code_of(complete(upload, {one}, {.expected_size = 11})), ErrorCode::size_mismatch);
    ASSERT_TRUE(put("big", "there already"));
    EXPECT_EQ(code_of(complete(upload, {one}, {.condition = {.only_if_absent = true}})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(get("big"), "there already");
    ASSERT_TRUE(complete(upload, {one, three}));
    EXPECT_EQ(get("big"), ten + ten);
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 2U);  // part 2 and the object before are gone
}

TEST_F(FolderMultipart, replaces_a_part_that_is_uploaded_again) {
    const auto upload = start();
    const auto before = give(upload, 1, "first attempt");
    const auto after = give(upload, 1, "second attempt");
    const auto listed = store->uploads().parts(name, upload, {});
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->parts.size(), 1U);
    EXPECT_EQ(listed->parts[0].etag, after.etag);
    EXPECT_EQ(code_of(complete(upload, {before})), ErrorCode::store_invalid_part);
    ASSERT_TRUE(complete(upload, {after}));
    EXPECT_EQ(get("big"), "second attempt");
}

TEST_F(FolderMultipart, rejects_part_written_while_its_upload_ends) {
    const auto upload = start();
    auto writer = store->uploads().write_part(name, {upload, 1}, {});
    ASSERT_TRUE(writer && writer->append(as_bytes("late")));
    ASSERT_TRUE(store->uploads().abort(name, upload));
    EXPECT_EQ(code_of(writer->finish({})), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store->uploads().write_part(name, {upload, 1}, {})), ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store->uploads().abort(name, upload)), ErrorCode::store_no_such_upload);
    const auto again = start();
    EXPECT_EQ(code_of(store->uploads().write_part(name, {again, 0}, {})), ErrorCode::invalid_field);
    EXPECT_EQ(code_of(store->uploads().write_part(name, {again, 10'001}, {})), ErrorCode::invalid_field);
    EXPECT_EQ(code_of(store->uploads().write_part({bucket, key_of("other")}, {again, 1}, {})),
              ErrorCode::store_no_such_upload);
    EXPECT_EQ(code_of(store->uploads().start(bucket, key_of(std::string(1025, 'k')), {})),
              ErrorCode::invalid_field);
}

TEST_F(FolderMultipart, computes_full_object_checksum_without_reading) {
    for (const auto algorithm :
         {ChecksumAlgorithm::crc32, ChecksumAlgorithm::crc32c, ChecksumAlgorithm::crc64nvme}) {
        const auto upload = start({.checksum = algorithm, .checksum_type = ChecksumType::full_object});
        const std::vector<ChosenPart> parts{give(upload, 1, ten), give(upload, 2, ten + "x"),
                                            give(upload, 3, "end")};
        ASSERT_TRUE(parts[0].checksum);
        ChecksumStream whole{algorithm};
        whole.update(as_bytes(ten + ten + "xend"));
        const Checksum expected{algorithm, whole.finish()};
        EXPECT_EQ(code_of(complete(upload, parts, {.expected = Checksum{algorithm, "AAAAAA=="}})),
                  ErrorCode::store_checksum_mismatch);
        const auto made = complete(upload, parts, {.expected = expected});
        ASSERT_TRUE(made);
        EXPECT_EQ(made->checksum, expected);
        EXPECT_TRUE(store->objects().verify(bucket, name.key));
    }
    EXPECT_EQ(code_of(store->uploads().start(
                  bucket, name.key,
                  {.checksum = ChecksumAlgorithm::sha256, .checksum_type = ChecksumType::full_object})),
              ErrorCode::invalid_checksum);
}

TEST_F(FolderMultipart, computes_composite_checksum_from_parts) {
    const auto upload = start({.checksum = ChecksumAlgorithm::sha256});
    const auto one = give(upload, 1, ten);
    const auto two = give(upload, 2, "end");
    EXPECT_EQ(code_of(store->uploads().write_part(name, {upload, 3}, {.keep = ChecksumAlgorithm::crc32})),
              ErrorCode::invalid_checksum);
    const auto a = signer::sha256(ten);
    const auto b = signer::sha256("end");
    Bytes both{a.begin(), a.end()};
    both.insert(both.end(), b.begin(), b.end());
    const auto made = complete(upload, {one, two});
    ASSERT_TRUE(made);
    ASSERT_TRUE(made->checksum);
    EXPECT_EQ(made->checksum->value, base64(signer::sha256(BytesView{both})) + "-2");
    EXPECT_EQ(made->checksum->type, ChecksumType::composite);
}

TEST_F(FolderMultipart, keeps_all_parts_for_reader_during_overwrite) {
    const auto upload = start();
    ASSERT_TRUE(complete(upload, {give(upload, 1, ten), give(upload, 2, ten), give(upload, 3, "end")}));
    {
        const auto reader = store->objects().read(bucket, name.key);
        ASSERT_TRUE(reader);
        for (int i = 0; i < 20; ++i)
            ASSERT_TRUE(put("big", "another"));
        EXPECT_EQ(all_of(*reader), ten + ten + "end");
    }
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderMultipart, copies_independently) {
    const auto upload = start();
    const auto made = complete(upload, {give(upload, 1, ten), give(upload, 2, "end")});
    ASSERT_TRUE(made);
    const auto copied = store->objects().copy(name, {bucket, key_of("copy")}, {});
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->etag, made->etag);
    ASSERT_TRUE(store->remove(bucket, name.key, std::nullopt));
    reopen();
    EXPECT_EQ(get("copy"), ten + "end");
    EXPECT_TRUE(store->objects().verify(bucket, key_of("copy")));
    EXPECT_EQ(bodies_on_disk(), 2U);
}

TEST_F(FolderMultipart, removes_abandoned_uploads_at_start) {
    const auto old = start();
    give(old, 1, ten);
    clock.advance(std::chrono::hours{24 * 6});
    const auto young = start();
    give(young, 1, ten);
    clock.advance(std::chrono::hours{24 * 2});
    reopen();
    EXPECT_EQ(code_of(store->uploads().parts(name, old, {})), ErrorCode::store_no_such_upload);
    EXPECT_TRUE(store->uploads().parts(name, young, {}));
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderMultipart, removes_abandoned_uploads_while_it_runs) {
    store.reset();
    auto with = options();
    with.look_for_abandoned_every = std::chrono::milliseconds{1};
    store = std::move(*FolderStore::open(with, {clock, random}));
    // More than are aborted in one commit.
    std::vector<std::string> old;
    for (int i = 0; i < 40; ++i) {
        old.push_back(start());
        give(old.back(), 1, ten);
    }
    clock.advance(std::chrono::hours{24 * 8});
    const auto young = start();
    give(young, 1, ten);
    const auto gone = [&] { return store->uploads().list(bucket, {})->uploads.size() == 1; };
    while (!gone())
        std::this_thread::yield();
    EXPECT_TRUE(store->uploads().parts(name, young, {}));
    for (const auto& each : old)
        EXPECT_EQ(code_of(store->uploads().parts(name, each, {})), ErrorCode::store_no_such_upload);
    store.reset();
    EXPECT_EQ(bodies_on_disk(), 1U);
}

TEST_F(FolderMultipart, lists_uploads_by_delimiter) {
    for (const auto* key : {"a/1", "a/2", "b", "c/1"})
        ASSERT_TRUE(store->uploads().start(bucket, key_of(key), {}));
    const auto page = store->uploads().list(bucket, {.delimiter = "/", .max_uploads = 2});
    ASSERT_TRUE(page);
    EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"a/"});
    ASSERT_EQ(page->uploads.size(), 1U);
    EXPECT_EQ(page->next_key, "b");
    EXPECT_TRUE(page->truncated);
    const auto rest = store->uploads().list(
        bucket, {.delimiter = "/", .key_marker = page->next_key, .id_marker = page->next_id});
    EXPECT_EQ(rest->common_prefixes, std::vector<std::string>{"c/"});
    EXPECT_TRUE(rest->uploads.empty());
    EXPECT_FALSE(rest->truncated);
    const auto after_prefix = store->uploads().list(bucket, {.delimiter = "/", .key_marker = "a/"});
    EXPECT_EQ(after_prefix->uploads.size(), 1U);
}

TEST_F(FolderMultipart, joins_default_checksums_of_parts_unless_a_client_chose_another) {
    const auto upload = start();
    const auto made = complete(upload, {give(upload, 1, ten), give(upload, 2, "end")});
    ASSERT_TRUE(made && made->checksum);
    EXPECT_EQ(made->checksum->algorithm, kDefaultChecksum);
    ASSERT_TRUE(put("whole", ten + "end", {.keep = kDefaultChecksum}));
    EXPECT_EQ(made->checksum, store->objects().stat(bucket, key_of("whole"))->checksum);
    EXPECT_TRUE(store->objects().verify(bucket, name.key));

    const auto mixed = start();
    auto writer = store->uploads().write_part(name, {mixed, 1}, {.keep = ChecksumAlgorithm::crc32});
    ASSERT_TRUE(writer && writer->append(as_bytes(ten)));
    const auto first = writer->finish({});
    ASSERT_TRUE(first);
    const auto of_mixed = complete(mixed, {{1, first->etag, first->checksum}, give(mixed, 2, "end")});
    ASSERT_TRUE(of_mixed) << of_mixed.error().detail;
    EXPECT_FALSE(of_mixed->checksum);
}

}  // namespace
}  // namespace photogate::storage::builtin
