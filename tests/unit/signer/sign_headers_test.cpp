#include <algorithm>

#include <gtest/gtest.h>

#include "signer/canonical_request.hpp"
#include "signer/signing_key.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {
namespace {

HeaderSignRequest documented_request(const std::string& method) {
    HeaderSignRequest request;
    request.method = method;
    request.address = documented_address("test.txt");
    request.payload_sha256 = kEmptyPayload;
    request.at = *parse_amz_date("20130524T000000Z");
    return request;
}

std::string header(const SignedRequest& request, std::string_view name) {
    const auto at = std::find_if(request.headers.begin(), request.headers.end(),
                                 [&](const auto& each) { return each.name == name; });
    return at == request.headers.end() ? "" : at->value;
}

// The four examples of AWS "sig-v4-header-based-auth".
TEST(SignHeaders, matches_documented_get_object) {
    auto request = documented_request("GET");
    request.headers = {{"Range", "bytes=0-9"}};
    const auto made = documented_signer().sign_headers(request);
    EXPECT_EQ(made->url, "https://examplebucket.s3.amazonaws.com/test.txt");
    EXPECT_EQ(header(*made, "Authorization"),
              "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
              "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SignHeaders, matches_documented_put_object) {
    auto request = documented_request("PUT");
    request.address = documented_address("test$file.text");
    request.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    request.payload_sha256 = hex_lower(sha256("Welcome to Amazon S3."));
    EXPECT_EQ(documented_signer().explain(request)->signature,
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SignHeaders, matches_documented_get_lifecycle_and_list_objects) {
    auto request = documented_request("GET");
    request.address.key.reset();
    request.query = {{"lifecycle", ""}};
    EXPECT_EQ(documented_signer().explain(request)->signature,
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    EXPECT_EQ(documented_signer().sign_headers(request)->url,
              "https://examplebucket.s3.amazonaws.com/?lifecycle=");
    request.query = {{"prefix", "J"}, {"max-keys", "2"}};
    EXPECT_EQ(documented_signer().explain(request)->signature,
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SignHeaders, matches_documented_streamed_body_chunk_by_chunk) {
    // AWS "sigv4-streaming": 66,560 bytes of `a` in chunks of 64 KiB.
    auto request = documented_request("PUT");
    request.address = address("https://s3.amazonaws.com", "examplebucket", "chunkObject.txt");
    request.headers = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                       {"Content-Encoding", "aws-chunked"},
                       {"x-amz-decoded-content-length", "66560"},
                       {"Content-Length", "66824"}};
    request.payload_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    auto previous = documented_signer().explain(request)->signature;
    EXPECT_EQ(previous, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");

    const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
    const auto key = keys.at(request.at);
    const std::pair<std::size_t, const char*> chunks[] = {
        {65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
        {1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
        {0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}};
    for (const auto& [size, expected] : chunks) {
        const auto digest = sha256(std::string(size, 'a'));
        previous = key->sign(chunk_string_to_sign({AmzDate{request.at}, key->scope, previous, digest}));
        EXPECT_EQ(previous, expected);
    }
}

TEST(SignHeaders, signs_session_token_as_header) {
    const auto made = signer_with_token("token").sign_headers(documented_request("GET"));
    EXPECT_EQ(header(*made, "x-amz-security-token"), "token");
    EXPECT_NE(header(*made, "Authorization")
                  .find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
              std::string::npos);
}

TEST(SignHeaders, sends_proxy_mutable_headers_unsigned) {
    auto request = documented_request("GET");
    const auto bare = documented_signer().explain(request)->signature;
    request.headers = {{"User-Agent", "photogate"}, {"Expect", "100-continue"}, {"Connection", "keep-alive"}};
    EXPECT_EQ(documented_signer().explain(request)->signature, bare);
    EXPECT_EQ(header(*documented_signer().sign_headers(request), "User-Agent"), "photogate");
}

TEST(SignHeaders, rejects_headers_that_signing_sets) {
    for (const char* name :
         {"Host", "Authorization", "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token"}) {
        auto request = documented_request("GET");
        request.headers = {{name, "x"}};
        EXPECT_EQ(documented_signer().sign_headers(request).error().code, ErrorCode::invalid_field) << name;
    }
}

TEST(SignHeaders, accepts_payload_hash_as_hex_or_s3_keyword) {
    for (const char* hash :
         {"", "unsigned-payload", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "\n"}) {
        auto request = documented_request("GET");
        request.payload_sha256 = hash;
        EXPECT_EQ(documented_signer().sign_headers(request).error().code, ErrorCode::invalid_checksum)
            << hash;
    }
}

TEST(SignHeaders, accepts_other_services_and_regions) {
    const Signer signer{documented_credentials(), *parse_region("eu-central-1"), "sts"};
    EXPECT_NE(header(*signer.sign_headers(documented_request("POST")), "Authorization")
                  .find("/20130524/eu-central-1/sts/aws4_request,"),
              std::string::npos);
}

}  // namespace
}  // namespace photogate::signer
