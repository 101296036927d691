// What the client makes of a store that misbehaves.
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"
#include "tests/unit/storage_objects/manual_pacer.hpp"

namespace photogate::storage::objects {
namespace {

using test::answer;
using test::bucket;
using test::FaultyStore;
using test::object_key;
using Then = test::Script::Then;

const test::Script kSlowDown = answer(503, "<Error><Code>SlowDown</Code><Message>slow</Message></Error>");
const test::Script kStored = answer(200, "", "ETag: \"e1\"\r\n");

const http::MemorySource& hello() {
    static const http::MemorySource source{std::string_view{"hello"}};
    return source;
}

std::string sha256_base64(std::string_view text) {
    return base64(signer::sha256(text));
}
std::string sha256_hex(std::string_view text) {
    return hex_lower(signer::sha256(text));
}

TEST(S3Faults, retries_slow_down_and_resends_the_whole_body) {
    FaultyStore store{{kSlowDown, kSlowDown, kStored}};
    const auto info = store.client.put(bucket(), object_key(), hello(), {});
    ASSERT_TRUE(info) << info.error().detail;
    EXPECT_EQ(info->etag.str(), "e1");
    EXPECT_EQ(info->size, 5U);
    ASSERT_EQ(store.server.seen().size(), 3U);
    for (const auto& request : store.server.seen())
        EXPECT_EQ(request.body, "hello");
    EXPECT_EQ(store.pacer.pauses.size(), 2U);
}

TEST(S3Faults, gives_up_unavailable_store_after_four_requests) {
    FaultyStore store{{kSlowDown}};
    EXPECT_EQ(store.client.head(bucket(), object_key(), {}).error().code, ErrorCode::store_slow_down);
    EXPECT_EQ(store.server.seen().size(), 4U);
}

TEST(S3Faults, does_not_retry_rejection) {
    FaultyStore store{{answer(403, "<Error><Code>AccessDenied</Code></Error>")}};
    EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), {}).error().code, ErrorCode::store_denied);
    EXPECT_EQ(store.server.seen().size(), 1U);
}

TEST(S3Faults, reports_hanging_store_as_timeout) {
    FaultyStore store{{{"", Then::hang}}};
    const auto options = [&] {
        auto given = FaultyStore::options(store.server);
        given.retry.attempts = 1;
        return given;
    }();
    S3Client client{options, {store.http, store.clock, store.random, store.pacer}};
    EXPECT_EQ(client.head(bucket(), object_key(), {}).error().code, ErrorCode::http_timeout);
}

TEST(S3Faults, asks_nothing_of_a_store_that_is_known_to_be_down) {
    FaultyStore store{{answer(503, "<Error><Code>ServiceUnavailable</Code></Error>")}};
    const auto health = std::make_shared<StoreHealth>("eu");
    health->watch();
    auto options = FaultyStore::options(store.server);
    options.health = health;
    S3Client client{options, {store.http, store.clock, store.random, store.pacer}};
    EXPECT_EQ(client.list(bucket(), {}).error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(store.server.seen().size(), StoreHealth::kMostUnanswered) << "nor does it wait for the fourth";
    const auto pauses = store.pacer.pauses.size();
    const auto refused = client.open(bucket(), object_key(), {});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("'eu'"), std::string::npos);
    EXPECT_EQ(client.list(bucket(), {}).error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(store.server.seen().size(), StoreHealth::kMostUnanswered);
    EXPECT_EQ(store.pacer.pauses.size(), pauses);
    health->probed({});
    (void)client.head(bucket(), object_key(), {});
    EXPECT_GT(store.server.seen().size(), StoreHealth::kMostUnanswered);
}

TEST(S3Faults, rejects_redirect_without_following) {
    FaultyStore store{{answer(307, "", "Location: http://127.0.0.1:1/\r\n")}};
    EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), {}).error().code, ErrorCode::store_refused);
    EXPECT_EQ(store.server.seen().size(), 1U);
}

TEST(S3Faults, never_takes_garbage_for_an_empty_list) {
    for (const char* body : {"", "garbage", "<html/>", "<ListBucketResult><Contents/></ListBucketResult>"}) {
        FaultyStore store{{answer(200, body)}};
        const auto page = store.client.list(bucket(), {});
        ASSERT_FALSE(page) << body;
        EXPECT_EQ(page.error().code, ErrorCode::store_protocol) << body;
    }
}

TEST(S3Faults, recognises_error_inside_a_200) {
    const test::Script denied =
        answer(200, "  <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>");
    {
        FaultyStore store{{denied}};
        EXPECT_EQ(store.client.copy(bucket(), object_key(), bucket(), object_key(), {}).error().code,
                  ErrorCode::store_denied);
    }
    {
        FaultyStore store{{denied}};
        const std::vector<UploadedPart> parts{{1, ETag::trusted("e"), 1}};
        EXPECT_EQ(store.client.complete_multipart(bucket(), object_key(), "id", parts).error().code,
                  ErrorCode::store_denied);
    }
    {
        FaultyStore store{{denied}};
        EXPECT_EQ(store.client.remove_many(bucket(), {object_key()}).error().code, ErrorCode::store_denied);
    }
}

TEST(S3Faults, retries_internal_error_inside_a_200) {
    FaultyStore store{{answer(200, "<Error><Code>InternalError</Code></Error>"),
                       answer(200, "<CopyObjectResult><ETag>\"copied\"</ETag></CopyObjectResult>")}};
    EXPECT_EQ(store.client.copy(bucket(), object_key(), bucket(), object_key(), {})->str(), "copied");
}

TEST(S3Faults, adopts_stored_put_that_answered_500_when_bytes_match) {
    PutOptions options;
    options.only_if_absent = true;
    options.sha256 = sha256_hex("hello");
    const test::Script failed = answer(500, "<Error><Code>InternalError</Code></Error>");
    const test::Script exists = answer(412, "<Error><Code>PreconditionFailed</Code></Error>");
    const auto there = [](std::string_view sum) {
        return test::Script{
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"mine\"\r\nx-amz-checksum-sha256: " +
            std::string{sum} + "\r\n\r\n"};
    };
    {
        FaultyStore store{{failed, exists, there(sha256_base64("hello"))}};
        const auto info = store.client.put(bucket(), object_key(), hello(), options);
        ASSERT_TRUE(info) << info.error().detail;
        EXPECT_EQ(info->etag.str(), "mine");
        EXPECT_EQ(store.server.seen().back().method, "HEAD");
    }
    {
        FaultyStore store{{failed, exists, there(sha256_base64("HELLO"))}};
        EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), options).error().code,
                  ErrorCode::store_precondition_failed);
    }
    {  // refused at once: it stood there before
        FaultyStore store{{exists, there(sha256_base64("hello"))}};
        EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), options).error().code,
                  ErrorCode::store_precondition_failed);
        EXPECT_EQ(store.server.seen().size(), 1U);
    }
}

TEST(S3Faults, rejects_differing_store_checksum) {
    FaultyStore store{
        {answer(200, "", "ETag: \"e\"\r\nx-amz-checksum-sha256: " + sha256_base64("other") + "\r\n")}};
    PutOptions options;
    options.sha256 = sha256_hex("hello");
    EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), options).error().code,
              ErrorCode::store_checksum_mismatch);
}

TEST(S3Faults, sends_checksum_condition_and_type_with_put) {
    FaultyStore store{{kStored}};
    PutOptions options;
    options.content_type = "image/jpeg";
    options.cache_control = "public, max-age=31536000, immutable";
    options.content_disposition = "inline";
    options.metadata = {{"Camera", "x"}};
    options.sha256 = sha256_hex("hello");
    options.only_if_absent = true;
    ASSERT_TRUE(store.client.put(bucket(), object_key(), hello(), options));
    const auto request = store.server.seen().at(0);
    EXPECT_EQ(request.target, "/incoming/u/key");
    EXPECT_EQ(request.header("x-amz-content-sha256"), sha256_hex("hello"));
    EXPECT_EQ(request.header("x-amz-checksum-sha256"), sha256_base64("hello"));
    EXPECT_EQ(request.header("if-none-match"), "*");
    EXPECT_EQ(request.header("content-type"), "image/jpeg");
    EXPECT_EQ(request.header("cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(request.header("content-disposition"), "inline");
    EXPECT_EQ(request.header("x-amz-meta-camera"), "x");
    EXPECT_EQ(request.header("content-length"), "5");
    const std::string authorization = request.header("authorization");
    for (const char* name :
         {"host", "if-none-match", "x-amz-checksum-sha256", "content-type", "x-amz-date"}) {
        EXPECT_NE(authorization.find(name), std::string::npos) << name;
    }
}

TEST(S3Faults, rejects_callers_wrong_sha256_before_sending) {
    FaultyStore store{{kStored}};
    PutOptions options;
    options.sha256 = "abc";
    EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), options).error().code,
              ErrorCode::invalid_checksum);
    EXPECT_EQ(store.server.seen().size(), 0U);
}

TEST(S3Faults, learns_store_clock_once_from_its_date) {
    const std::string date = "Date: Fri, 20 Nov 2026 12:20:00 GMT\r\n";  // ours says 12:00
    FaultyStore store{
        {answer(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", date), kStored, kStored}};
    ASSERT_TRUE(store.client.put(bucket(), object_key(), hello(), {}));
    EXPECT_EQ(store.client.clock_offset(), std::chrono::minutes{20});
    EXPECT_EQ(store.pacer.pauses.size(), 0U);
    ASSERT_TRUE(store.client.put(bucket(), object_key(), hello(), {}));
    EXPECT_EQ(store.server.seen().at(0).header("x-amz-date"), "20261120T120000Z");
    EXPECT_EQ(store.server.seen().at(1).header("x-amz-date"), "20261120T122000Z");
    EXPECT_EQ(store.server.seen().at(2).header("x-amz-date"), "20261120T122000Z");
}

TEST(S3Faults, detects_clock_skew_of_rejected_head_by_its_date) {
    FaultyStore store{
        {{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nDate: Fri, 20 Nov 2026 11:00:00 GMT\r\n\r\n"},
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n"}}};
    EXPECT_TRUE(store.client.head(bucket(), object_key(), {}));
    EXPECT_EQ(store.client.clock_offset(), -std::chrono::hours{1});
}

TEST(S3Faults, reports_clock_skew_of_store_that_always_refuses) {
    const std::string date = "Date: Fri, 20 Nov 2026 12:20:00 GMT\r\n";
    FaultyStore store{{answer(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", date)}};
    EXPECT_EQ(store.client.put(bucket(), object_key(), hello(), {}).error().code,
              ErrorCode::store_clock_skew);
}

TEST(S3Faults, succeeds_removing_missing_object) {
    FaultyStore store{{answer(404, "<Error><Code>NoSuchKey</Code></Error>")}};
    EXPECT_TRUE(store.client.remove(bucket(), object_key(), std::nullopt));
    FaultyStore upload{{answer(404, "<Error><Code>NoSuchUpload</Code></Error>")}};
    EXPECT_TRUE(upload.client.abort_multipart(bucket(), object_key(), "id"));
    FaultyStore missing{{answer(404, "<Error><Code>NoSuchBucket</Code></Error>")}};
    EXPECT_EQ(missing.client.remove(bucket(), object_key(), std::nullopt).error().code,
              ErrorCode::store_no_such_bucket);
}

TEST(S3Faults, deletes_in_batches_of_a_thousand_and_names_failures) {
    FaultyStore store{{answer(200, "<DeleteResult/>"),
                       answer(200,
                              "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code></Error>"
                              "<Error><Key>c</Key><Code>NoSuchKey</Code></Error></DeleteResult>")}};
    const std::vector<ObjectKey> keys(1'500, object_key());
    const auto failed = store.client.remove_many(bucket(), keys);
    ASSERT_TRUE(failed);
    ASSERT_EQ(failed->size(), 1U);
    EXPECT_EQ(failed->at(0).key.str(), "b");
    EXPECT_EQ(failed->at(0).error.code, ErrorCode::store_denied);
    ASSERT_EQ(store.server.seen().size(), 2U);
    EXPECT_EQ(store.server.seen().at(0).header("content-md5"),
              base64(signer::md5(as_bytes(store.server.seen().at(0).body))));
    EXPECT_TRUE(FaultyStore{{kSlowDown}}.client.remove_many(bucket(), {})->empty());
}

TEST(S3Faults, stops_on_non_advancing_list_of_parts) {
    const test::Script again = answer(
        200,
        "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"
        "<Part><PartNumber>1</PartNumber><Size>5</Size><ETag>\"e\"</ETag></Part></ListPartsResult>");
    FaultyStore store{{again}};
    EXPECT_EQ(store.client.list_parts(bucket(), object_key(), "id").error().code, ErrorCode::store_protocol);
    EXPECT_EQ(store.server.seen().size(), 2U);
}

}  // namespace
}  // namespace photogate::storage::objects
