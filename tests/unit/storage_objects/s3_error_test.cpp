// The error table, held against what MinIO really said.
#include "storage/objects/s3_error.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace photogate::storage::objects {
namespace {

http::Response recorded(const std::string& name) {
    std::ifstream file{std::string{PHOTOGATE_SOURCE_DIR} + "/tests/data/minio/errors/" + name + ".json"};
    const auto capture = nlohmann::json::parse(file);
    const auto& answer = capture.at("response");
    http::Response response;
    response.status = answer.at("status").get<int>();
    response.body = answer.at("body").get<std::string>();
    for (const auto& header : answer.at("headers")) {
        response.headers.push_back({header.at(0).get<std::string>(), header.at(1).get<std::string>()});
    }
    return response;
}

struct Row {
    const char* capture;
    ErrorCode code;
};

class S3ErrorTable : public testing::TestWithParam<Row> {};

TEST_P(S3ErrorTable, maps_each_recorded_error_to_its_code) {
    const Error error = error_of(recorded(GetParam().capture), Target::object, Timestamp{});
    EXPECT_EQ(to_string(error.code), to_string(GetParam().code));
    EXPECT_TRUE(error.detail.starts_with("the store says 4")) << error.detail;
}

INSTANTIATE_TEST_SUITE_P(
    Recorded, S3ErrorTable,
    testing::Values(
        Row{"nosuchkey", ErrorCode::store_no_such_key},
        Row{"no_such_bucket", ErrorCode::store_no_such_bucket},
        Row{"nosuchupload", ErrorCode::store_no_such_upload},
        Row{"complete_retry", ErrorCode::store_no_such_upload}, Row{"bad_secret", ErrorCode::store_denied},
        Row{"unknown_access_key", ErrorCode::store_denied}, Row{"no_auth", ErrorCode::store_denied},
        Row{"sts_token_wrong", ErrorCode::store_denied}, Row{"wrong_service", ErrorCode::store_denied},
        Row{"hdr_skew_plus16m", ErrorCode::store_clock_skew},
        Row{"hdr_skew_minus16m", ErrorCode::store_clock_skew},
        Row{"inm_star_existing", ErrorCode::store_precondition_failed},
        Row{"if_match_wrong_etag", ErrorCode::store_precondition_failed},
        Row{"copy_ifmatch", ErrorCode::store_precondition_failed},
        Row{"sha256_header_signed_wrong_body", ErrorCode::store_checksum_mismatch},
        Row{"md5_signed_wrong_body", ErrorCode::store_checksum_mismatch},
        Row{"content_sha256_hdr_wrong", ErrorCode::store_checksum_mismatch},
        Row{"copy_missing", ErrorCode::store_no_such_key}, Row{"copy_self", ErrorCode::store_refused},
        Row{"key_too_long", ErrorCode::store_refused}, Row{"key_seg256", ErrorCode::store_refused},
        Row{"double_slash", ErrorCode::store_refused}, Row{"dotdot", ErrorCode::store_refused},
        Row{"invalid_part", ErrorCode::store_invalid_part}, Row{"part0", ErrorCode::store_invalid_part},
        Row{"invalid_part_order", ErrorCode::store_invalid_part_order},
        Row{"entity_too_small", ErrorCode::store_part_too_small},
        Row{"malformed_complete", ErrorCode::store_refused},
        Row{"cl_unsigned_chunked_TE", ErrorCode::store_refused}),
    [](const auto& row) { return std::string{row.param.capture}; });

ErrorCode by_status(int status, Target target = Target::object) {
    http::Response response;
    response.status = status;
    return error_of(response, target, Timestamp{}).code;
}

TEST(S3Error, falls_back_to_status_without_document) {
    EXPECT_EQ(by_status(403), ErrorCode::store_denied);
    EXPECT_EQ(by_status(404), ErrorCode::store_no_such_key);
    EXPECT_EQ(by_status(404, Target::bucket), ErrorCode::store_no_such_bucket);
    EXPECT_EQ(by_status(412), ErrorCode::store_precondition_failed);
    EXPECT_EQ(by_status(416), ErrorCode::range_not_satisfiable);
    EXPECT_EQ(by_status(429), ErrorCode::store_slow_down);
    EXPECT_EQ(by_status(503), ErrorCode::store_slow_down);
    EXPECT_EQ(by_status(500), ErrorCode::store_unavailable);
    EXPECT_EQ(by_status(502), ErrorCode::store_unavailable);
    EXPECT_EQ(by_status(501), ErrorCode::store_refused);
    EXPECT_EQ(by_status(301), ErrorCode::store_refused);
    EXPECT_EQ(by_status(400), ErrorCode::store_refused);
}

TEST(S3Error, truncates_and_sanitises_store_messages) {
    http::Response response;
    response.status = 400;
    response.body = "<Error><Code>Odd</Code><Message>line&#10;break \xff " + std::string(1'000, 'x') +
                    "</Message></Error>";
    const Error error = error_of(response, Target::object, Timestamp{});
    EXPECT_EQ(error.code, ErrorCode::store_refused);
    EXPECT_LT(error.detail.size(), 300U);
    EXPECT_EQ(error.detail.find('\n'), std::string::npos);
    EXPECT_EQ(error.detail.find('\xff'), std::string::npos);
}

TEST(S3Error, passes_on_retry_after) {
    http::Response response;
    response.status = 503;
    response.headers = {{"Retry-After", "7"}};
    EXPECT_EQ(error_of(response, Target::object, Timestamp{}).retry_after, std::chrono::seconds{7});
}

TEST(S3Error, treats_delete_marker_as_missing_object) {
    http::Response response;
    response.status = 405;
    EXPECT_EQ(error_of(response, Target::object, Timestamp{}).code, ErrorCode::store_refused);
    response.headers = {{"x-amz-delete-marker", "true"}};
    EXPECT_EQ(error_of(response, Target::object, Timestamp{}).code, ErrorCode::store_no_such_key);
}

}  // namespace
}  // namespace photogate::storage::objects
