// A GET that breaks on the way: never a shorter object, never two objects in one.
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/digest.hpp"
#include "tests/unit/storage_objects/manual_pacer.hpp"

namespace photogate::storage::objects {
namespace {

using test::answer;
using test::bucket;
using test::FaultyStore;
using test::object_key;
using test::Script;
using Then = test::Script::Then;

Script part(int status, std::size_t length, std::string_view body, std::string_view headers) {
    return {"HTTP/1.1 " + std::to_string(status) + " S\r\nContent-Length: " + std::to_string(length) +
                "\r\n" + std::string{headers} + "\r\n" + std::string{body},
            body.size() < length ? Then::close : Then::keep_alive};
}

struct Got {
    Result<ObjectInfo> info;
    std::string bytes;
};

Got fetch(FaultyStore& store, const GetOptions& options = {}) {
    std::string bytes;
    auto info = store.client.get(bucket(), object_key(), options, [&](BytesView piece) {
        bytes += as_text(piece);
        return true;
    });
    return {std::move(info), bytes};
}

TEST(S3Get, resumes_broken_body_pinned_to_its_etag) {
    FaultyStore store{{part(200, 10, "0123", "ETag: \"e\"\r\n"),
                       part(206, 6, "45", "ETag: \"e\"\r\nContent-Range: bytes 4-9/10\r\n"),
                       part(206, 4, "6789", "ETag: \"e\"\r\nContent-Range: bytes 6-9/10\r\n")}};
    const Got got = fetch(store);
    ASSERT_TRUE(got.info) << got.info.error().detail;
    EXPECT_EQ(got.bytes, "0123456789");
    EXPECT_EQ(got.info->size, 10U);
    EXPECT_EQ(store.server.seen().at(0).header("range"), "");
    EXPECT_EQ(store.server.seen().at(1).header("range"), "bytes=4-9");
    EXPECT_EQ(store.server.seen().at(1).header("if-match"), "\"e\"");
    EXPECT_EQ(store.server.seen().at(2).header("range"), "bytes=6-9");
}

TEST(S3Get, reports_body_that_stays_short) {
    FaultyStore store{{part(200, 10, "", "ETag: \"e\"\r\n")}};
    EXPECT_EQ(fetch(store).info.error().code, ErrorCode::http_broken);
    EXPECT_EQ(store.server.seen().size(), 4U);
}

TEST(S3Get, never_mixes_in_another_object) {
    {
        FaultyStore store{{part(200, 10, "0123", "ETag: \"e\"\r\n"),
                           part(206, 6, "abcdef", "ETag: \"f\"\r\nContent-Range: bytes 4-9/10\r\n")}};
        const Got got = fetch(store);
        EXPECT_EQ(got.info.error().code, ErrorCode::store_precondition_failed);
        EXPECT_EQ(got.bytes, "0123");
    }
    {
        FaultyStore store{{part(200, 10, "0123", "ETag: \"e\"\r\n"),
                           answer(412, "<Error><Code>PreconditionFailed</Code></Error>")}};
        EXPECT_EQ(fetch(store).info.error().code, ErrorCode::store_precondition_failed);
    }
}

TEST(S3Get, does_not_repeat_the_beginning_when_the_store_ignores_ranges) {
    FaultyStore store{
        {part(200, 10, "0123", "ETag: \"e\"\r\n"), part(200, 10, "0123456789", "ETag: \"e\"\r\n")}};
    const Got got = fetch(store);
    EXPECT_EQ(got.info.error().code, ErrorCode::store_protocol);
    EXPECT_EQ(got.bytes, "0123");
}

TEST(S3Get, detects_ignored_if_match_before_the_first_byte) {
    FaultyStore store{{part(200, 4, "0123", "ETag: \"other\"\r\n")}};
    GetOptions options;
    options.if_match = ETag::trusted("pinned");
    const Got got = fetch(store, options);
    EXPECT_EQ(got.info.error().code, ErrorCode::store_precondition_failed);
    EXPECT_EQ(got.bytes, "");
    EXPECT_EQ(store.server.seen().size(), 1U);
}

TEST(S3Get, detects_differing_size_before_the_first_byte) {
    FaultyStore store{{part(200, 1'000, std::string(1'000, 'x'), "ETag: \"e\"\r\n")}};
    GetOptions options;
    options.expected_size = 999;
    const Got got = fetch(store, options);
    EXPECT_EQ(got.info.error().code, ErrorCode::size_mismatch);
    EXPECT_EQ(got.bytes, "");
}

TEST(S3Get, reports_checksum_mismatch) {
    const std::string right =
        "x-amz-checksum-sha256: " + base64(signer::sha256("0123")) + "\r\nETag: \"e\"\r\n";
    FaultyStore good{{part(200, 4, "0123", right)}};
    EXPECT_TRUE(fetch(good).info);
    FaultyStore bad{{part(200, 4, "0124", right)}};
    EXPECT_EQ(fetch(bad).info.error().code, ErrorCode::store_checksum_mismatch);
    FaultyStore composite{
        {part(200, 4, "0124",
              "x-amz-checksum-sha256: " + base64(signer::sha256("0123")) + "-2\r\nETag: \"e\"\r\n")}};
    EXPECT_TRUE(fetch(composite).info);
}

TEST(S3Get, requires_etag_and_length) {
    FaultyStore unnamed{{part(200, 4, "0123", "")}};
    EXPECT_EQ(fetch(unnamed).info.error().code, ErrorCode::store_protocol);
    FaultyStore unmeasured{
        {{"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n0\r\n\r\n"}}};
    const Got got = fetch(unmeasured);
    EXPECT_EQ(got.info.error().code, ErrorCode::store_protocol);
    EXPECT_EQ(got.bytes, "");
}

TEST(S3Get, accepts_empty_object) {
    FaultyStore store{{part(200, 0, "", "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n")}};
    const Got got = fetch(store);
    ASSERT_TRUE(got.info) << got.info.error().detail;
    EXPECT_EQ(got.info->size, 0U);
}

TEST(S3Get, does_not_retry_when_the_receiver_stops) {
    FaultyStore store{{part(200, 4, "0123", "ETag: \"e\"\r\n")}};
    const auto info = store.client.get(bucket(), object_key(), {}, [](BytesView) { return false; });
    EXPECT_EQ(info.error().code, ErrorCode::http_broken);
    EXPECT_EQ(store.server.seen().size(), 1U);
}

TEST(S3Get, requests_and_enforces_range) {
    GetOptions options;
    options.range = ByteRange{2, 5};
    FaultyStore store{{part(206, 4, "2345", "ETag: \"e\"\r\nContent-Range: bytes 2-5/10\r\n")}};
    const Got got = fetch(store, options);
    ASSERT_TRUE(got.info) << got.info.error().detail;
    EXPECT_EQ(got.bytes, "2345");
    EXPECT_EQ(got.info->size, 10U);
    EXPECT_EQ(store.server.seen().at(0).header("range"), "bytes=2-5");
    FaultyStore shifted{{part(206, 4, "1234", "ETag: \"e\"\r\nContent-Range: bytes 1-4/10\r\n")}};
    EXPECT_EQ(fetch(shifted, options).info.error().code, ErrorCode::store_protocol);
    FaultyStore outside{{answer(416, "<Error><Code>InvalidRange</Code></Error>")}};
    EXPECT_EQ(fetch(outside, options).info.error().code, ErrorCode::range_not_satisfiable);
    options.range = ByteRange{5, 2};
    EXPECT_EQ(fetch(outside, options).info.error().code, ErrorCode::range_not_satisfiable);
}

/// As fetch(), but in pieces of three bytes, with `between` after each.
template <class Between>
Got fetch_slowly(FaultyStore& store, Between between) {
    auto reader = store.client.open(bucket(), object_key(), {});
    if (!reader) return {fail(reader.error()), ""};
    std::string bytes;
    while (true) {
        Bytes out(3);
        const auto got = (*reader)->read(out);
        if (!got) return {fail(got.error()), bytes};
        if (*got == 0) return {(*reader)->info(), bytes};
        bytes += as_text(BytesView{out.data(), *got});
        between();
    }
}

TEST(S3Get, goes_on_for_a_slow_reader_after_the_time_of_its_first_attempts) {
    std::vector<Script> scripts{part(200, 12, "01", "ETag: \"e\"\r\n")};
    for (std::size_t at = 2; at < 12; at += 2) {
        const std::string range = std::to_string(at) + "-11/12";
        scripts.push_back(part(206, 12 - at, "xx", "ETag: \"e\"\r\nContent-Range: bytes " + range + "\r\n"));
    }
    FaultyStore store{scripts};
    const Got got = fetch_slowly(store, [&] { store.pacer.advance(std::chrono::minutes{1}); });
    ASSERT_TRUE(got.info) << got.info.error().detail;
    EXPECT_EQ(got.bytes, "01xxxxxxxxxx");
}

TEST(S3Get, gives_up_on_a_store_that_breaks_again_and_again_however_slow_the_reader) {
    std::vector<Script> scripts{part(200, 1'000, "0", "ETag: \"e\"\r\n")};
    for (std::size_t at = 1; at < 1'000; ++at) {
        const std::string range = std::to_string(at) + "-999/1000";
        scripts.push_back(
            part(206, 1'000 - at, "x", "ETag: \"e\"\r\nContent-Range: bytes " + range + "\r\n"));
    }
    FaultyStore store{scripts};
    const Got got = fetch_slowly(store, [&] { store.pacer.advance(std::chrono::minutes{1}); });
    EXPECT_EQ(got.info.error().code, ErrorCode::http_broken);
    EXPECT_LT(store.server.seen().size(), 100U);
}

TEST(S3Get, holds_the_last_bytes_back_until_the_checksum_is_known_to_be_right) {
    const std::string right =
        "x-amz-checksum-sha256: " + base64(signer::sha256("0123")) + "\r\nETag: \"e\"\r\n";
    FaultyStore bad{{part(200, 4, "0124", right)}};
    const Got got = fetch_slowly(bad, [] {});
    EXPECT_EQ(got.info.error().code, ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(got.bytes, "012");
}

}  // namespace
}  // namespace photogate::storage::objects
