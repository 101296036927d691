#include <gtest/gtest.h>

#include "signer/digest.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {
namespace {

using std::chrono::seconds;

ErrorCode refusal(const PresignRequest& request) {
    const auto made = documented_signer().presign(request);
    return made ? ErrorCode::internal : made.error().code;
}

TEST(Presign, matches_the_documented_url) {
    // AWS "sigv4-query-string-auth", the example at its end.
    PresignRequest request;
    request.method = "GET";
    request.address = documented_address("test.txt");
    request.expires = seconds{86400};
    request.at = *parse_amz_date("20130524T000000Z");
    EXPECT_EQ(documented_signer().presign(request)->url,
              "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date="
              "20130524T000000Z"
              "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    const auto stages = documented_signer().explain(request);
    EXPECT_EQ(stages->string_to_sign,
              "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
              "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04");
    EXPECT_EQ(stages->signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(Presign, states_required_headers_and_expiry) {
    auto request = put_request();
    request.at += std::chrono::milliseconds{789};
    const auto made = documented_signer().presign(request);
    EXPECT_EQ(made->headers, request.headers);
    EXPECT_EQ(made->expires_at, *parse_amz_date("20261120T124956Z"));
    EXPECT_NE(made->url.find("&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match&"),
              std::string::npos);
}

TEST(Presign, puts_bucket_into_path_or_host_by_style) {
    auto request = put_request();
    request.address = address("https://store.example.com:8443", "incoming", "k");
    EXPECT_TRUE(
        documented_signer().presign(request)->url.starts_with("https://store.example.com:8443/incoming/k?"));
    request.address.style = AddressingStyle::virtual_host;
    EXPECT_TRUE(
        documented_signer().presign(request)->url.starts_with("https://incoming.store.example.com:8443/k?"));
    EXPECT_NE(documented_signer().explain(request)->canonical_request.find(
                  "\nhost:incoming.store.example.com:8443\n"),
              std::string::npos);
}

TEST(Presign, omits_default_port) {
    auto request = put_request();
    request.address.endpoint = *parse_endpoint("https://store.example.com:443");
    EXPECT_TRUE(documented_signer().presign(request)->url.starts_with("https://store.example.com/incoming/"));
    request.address.endpoint = *parse_endpoint("http://store.example.com:443");
    EXPECT_TRUE(
        documented_signer().presign(request)->url.starts_with("http://store.example.com:443/incoming/"));
}

TEST(Presign, addresses_bucket_or_service) {
    auto request = put_request();
    request.method = "GET";
    request.headers.clear();
    request.query = {{"list-type", "2"}, {"prefix", "u/"}};
    request.address.key.reset();
    EXPECT_TRUE(documented_signer().presign(request)->url.starts_with(
        "http://127.0.0.1:9000/incoming?list-type=2&prefix=u%2F&X-Amz-Algorithm="));
    request.address.bucket.reset();
    EXPECT_TRUE(documented_signer().presign(request)->url.starts_with("http://127.0.0.1:9000/?list-type=2"));
}

TEST(Presign, encodes_keys_byte_for_byte) {
    auto request = put_request();
    request.address = address("http://h", "incoming", "//a//./b/../ü +%2F~");
    EXPECT_TRUE(documented_signer().presign(request)->url.starts_with(
        "http://h/incoming///a//./b/../%C3%BC%20%2B%252F~?"));
}

TEST(Presign, signs_session_token_in_query) {
    const auto signer = signer_with_token("IQoJb3JpZ2luX2VjE/+/A==");
    const auto made = signer.presign(put_request());
    EXPECT_NE(made->url.find("&X-Amz-Security-Token=IQoJb3JpZ2luX2VjE%2F%2B%2FA%3D%3D&X-Amz-Signature="),
              std::string::npos);
    const auto stages = signer.explain(put_request());
    EXPECT_NE(stages->canonical_request.find(
                  "&X-Amz-Security-Token=IQoJb3JpZ2luX2VjE%2F%2B%2FA%3D%3D&X-Amz-SignedHeaders="),
              std::string::npos);
}

TEST(Presign, signs_known_body_in_query) {
    auto request = put_request();
    request.payload_sha256 = hex_lower(sha256("body"));
    const auto made = documented_signer().presign(request);
    EXPECT_NE(made->url.find("?X-Amz-Content-Sha256=" + *request.payload_sha256 + "&"), std::string::npos);
    EXPECT_TRUE(
        documented_signer().explain(request)->canonical_request.ends_with("\n" + *request.payload_sha256));
    request.payload_sha256 = "E3B0C442";
    EXPECT_EQ(refusal(request), ErrorCode::invalid_checksum);
}

TEST(Presign, accepts_one_second_and_seven_days) {
    for (auto expires : {seconds{1}, kLongestExpiry}) {
        auto request = put_request();
        request.expires = expires;
        EXPECT_TRUE(documented_signer().presign(request));
    }
}

TEST(Presign, rejects_presign_longer_than_seven_days_or_shorter_than_a_second) {
    for (auto expires :
         {seconds{0}, seconds{-1}, kLongestExpiry + seconds{1}, seconds::max(), seconds::min()}) {
        auto request = put_request();
        request.expires = expires;
        EXPECT_EQ(refusal(request), ErrorCode::invalid_expiry) << expires.count();
    }
}

TEST(Presign, rejects_unsignable_headers) {
    for (const HeaderField& header : std::vector<HeaderField>{{"host", "evil"},
                                                              {"Host", "evil"},
                                                              {"X-Amz-Date", "20261120T123456Z"},
                                                              {"x-amz-security-token", "t"},
                                                              {"X-AMZ-CONTENT-SHA256", "UNSIGNED-PAYLOAD"},
                                                              {"Authorization", "x"},
                                                              {"User-Agent", "x"},
                                                              {"Transfer-Encoding", "chunked"},
                                                              {"", "x"},
                                                              {"a b", "x"},
                                                              {"a:b", "x"},
                                                              {"a\r\nb", "x"},
                                                              {"x-amz-meta-ü", "x"},
                                                              {"x-amz-meta-a", "b\r\nx-amz-acl: public-read"},
                                                              {"x-amz-meta-a", "b\n"},
                                                              {"x-amz-meta-a", std::string("b\0c", 3)},
                                                              {"x-amz-meta-a", "b\x7f"},
                                                              {"x-amz-meta-a", "\xff"}}) {
        auto request = put_request();
        request.headers = {header};
        EXPECT_EQ(refusal(request), ErrorCode::invalid_field) << header.name << ": " << header.value;
    }
}

TEST(Presign, rejects_parameters_that_signing_sets) {
    for (const char* name :
         {"X-Amz-Signature", "X-Amz-Expires", "x-amz-date", "X-Amz-Credential", "X-Amz-Algorithm",
          "X-Amz-SignedHeaders", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "", "\xff"}) {
        auto request = put_request();
        request.query = {{name, "1"}};
        EXPECT_EQ(refusal(request), ErrorCode::invalid_field) << name;
    }
}

TEST(Presign, rejects_invalid_methods_and_addresses) {
    auto request = put_request();
    request.method = "put";
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    request.method = "GET\n/other";
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    request = put_request();
    request.address.bucket.reset();
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
    for (const char* endpoint : {"http://127.0.0.1:9000", "http://[::1]:9000"}) {
        request = put_request();
        request.address.style = AddressingStyle::virtual_host;
        request.address.endpoint = *parse_endpoint(endpoint);
        EXPECT_EQ(refusal(request), ErrorCode::invalid_field) << endpoint;
    }
    request = put_request();
    request.at = Timestamp{} - std::chrono::seconds{1};
    EXPECT_EQ(refusal(request), ErrorCode::invalid_field);
}

TEST(Presign, is_deterministic_and_sensitive_to_any_change) {
    const auto signer = documented_signer();
    const auto url = signer.presign(put_request())->url;
    EXPECT_EQ(signer.presign(put_request())->url, url);
    auto request = put_request();
    request.headers[1].value = "4712";
    const auto other = signer.presign(request)->url;
    EXPECT_EQ(other.substr(0, other.size() - 64), url.substr(0, url.size() - 64));
    EXPECT_NE(other, url) << "the length is signed though it does not stand in the URL";
}

}  // namespace
}  // namespace photogate::signer
