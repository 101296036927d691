#include "notifier/purges/purge_hook.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "signer/digest.hpp"
#include "signer/signer.hpp"

namespace photogate::notifier::purges {
namespace {

using storage::http::Request;
using storage::http::Response;

const Timestamp kNow = *parse_rfc3339("2026-11-29T12:00:00Z");
const std::vector<PublicId> kTwo{PublicId::trusted("7h2k4m6n8p0q1r3s5t7v9w0x2y"),
                                 PublicId::trusted("0a1b2c3d4e5f6g7h8j9k0m1n2p")};

PurgeHook hook(CacheKind kind) {
    PurgeHook made;
    made.name = "edge";
    made.kind = kind;
    if (kind != CacheKind::http) made.api = *parse_endpoint(standard_api(kind));
    made.resource = "abc123";
    made.token = Secret{"t0ken"};
    return made;
}

std::string header(const Request& request, std::string_view name) {
    std::string found = "(none)";
    for (const auto& field : request.headers) {
        if (field.name == name) found = field.value;
    }
    return found;
}

Request made(const PurgeHook& hook, std::span<const PublicId> images,
             std::string_view reference = "msg_1-0") {
    auto request = purge_request(hook, images, reference, kNow);
    EXPECT_TRUE(request) << request.error().detail;
    return std::move(*request);
}

Response answer(int status, std::string body = {}) {
    return {.status = status, .headers = {}, .body = std::move(body), .elapsed = {}};
}

TEST(PurgeHook, cloudflare_purges_the_prefix_of_each_image_on_each_host) {
    auto cloudflare = hook(CacheKind::cloudflare);
    cloudflare.hosts = {"img.example", "www.example:8443"};
    const auto request = made(cloudflare, kTwo);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "https://api.cloudflare.com/client/v4/zones/abc123/purge_cache");
    EXPECT_EQ(header(request, "Authorization"), "Bearer t0ken");
    EXPECT_EQ(header(request, "Content-Type"), "application/json");
    const auto body = nlohmann::json::parse(request.body);
    EXPECT_EQ(body, nlohmann::json::parse(R"({"prefixes":[
        "img.example/i/7h2k4m6n8p0q1r3s5t7v9w0x2y", "img.example/i/0a1b2c3d4e5f6g7h8j9k0m1n2p",
        "www.example:8443/i/7h2k4m6n8p0q1r3s5t7v9w0x2y", "www.example:8443/i/0a1b2c3d4e5f6g7h8j9k0m1n2p"]})"));
    EXPECT_EQ(most_images(cloudflare), 50U) << "100 prefixes are what a request may have";
    cloudflare.hosts.assign(51, "h");
    EXPECT_EQ(most_images(cloudflare), 1U);
}

TEST(PurgeHook, cloudflare_has_taken_it_where_it_says_so) {
    const auto cloudflare = hook(CacheKind::cloudflare);
    EXPECT_TRUE(is_taken(cloudflare, answer(200, R"({"success":true,"errors":[],"result":{"id":"1"}})")));
    for (const auto& refused :
         {answer(200, R"({"success":false,"errors":[{"code":1134}]})"), answer(200, R"({"success":"true"})"),
          answer(200, "<html>"), answer(200), answer(429, R"({"success":true})"), answer(403)}) {
        EXPECT_FALSE(is_taken(cloudflare, refused)) << refused.status << refused.body;
    }
}

TEST(PurgeHook, fastly_purges_by_surrogate_keys) {
    const auto request = made(hook(CacheKind::fastly), kTwo);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "https://api.fastly.com/service/abc123/purge");
    EXPECT_EQ(header(request, "Fastly-Key"), "t0ken");
    EXPECT_EQ(header(request, "Surrogate-Key"), "7h2k4m6n8p0q1r3s5t7v9w0x2y 0a1b2c3d4e5f6g7h8j9k0m1n2p");
    EXPECT_EQ(header(request, "Accept"), "application/json");
    EXPECT_EQ(request.body, "");
    EXPECT_EQ(most_images(hook(CacheKind::fastly)), 256U);
    EXPECT_TRUE(is_taken(hook(CacheKind::fastly), answer(200)));
    EXPECT_FALSE(is_taken(hook(CacheKind::fastly), answer(404)));
}

TEST(PurgeHook, cloudfront_invalidates_by_wildcard_and_is_signed) {
    auto cloudfront = hook(CacheKind::cloudfront);
    cloudfront.credentials = {"AKIDEXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
                              std::nullopt};
    const auto request = made(cloudfront, kTwo);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "https://cloudfront.amazonaws.com/2020-05-31/distribution/abc123/invalidation");
    const auto start = request.body.find("<CallerReference>") + 17;
    const auto reference = request.body.substr(start, request.body.find('<', start) - start);
    EXPECT_EQ(reference.substr(0, 8), "msg_1-0-");
    EXPECT_EQ(request.body,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch "
              "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><CallerReference>" +
                  reference +
                  "</CallerReference><Paths><Quantity>2</Quantity><Items>"
                  "<Path>/i/7h2k4m6n8p0q1r3s5t7v9w0x2y*</Path><Path>/i/0a1b2c3d4e5f6g7h8j9k0m1n2p*</Path>"
                  "</Items></Paths></InvalidationBatch>");
    EXPECT_EQ(header(request, "x-amz-date"), "20261129T120000Z");
    EXPECT_EQ(header(request, "x-amz-content-sha256"), hex_lower(signer::sha256(request.body)));
    EXPECT_EQ(
        header(request, "Authorization")
            .rfind("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/us-east-1/cloudfront/aws4_request, "
                   "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=",
                   0),
        0U)
        << header(request, "Authorization");
    EXPECT_EQ(header(request, "Authorization").find("wJal"), std::string::npos);
    EXPECT_EQ(most_images(cloudfront), 15U);
    EXPECT_TRUE(is_taken(cloudfront, answer(201)));
    EXPECT_FALSE(is_taken(cloudfront, answer(400, "TooManyInvalidationsInProgress")));
}

TEST(PurgeHook, cloudfronts_reference_is_the_same_for_the_same_images_alone) {
    auto cloudfront = hook(CacheKind::cloudfront);
    cloudfront.credentials = {"AKIDEXAMPLE", Secret{"secret"}, std::nullopt};
    const auto once = made(cloudfront, kTwo).body;
    EXPECT_EQ(once, made(cloudfront, kTwo).body);
    const auto fewer = made(cloudfront, std::span{kTwo}.first(1)).body;
    const auto reference = [](const std::string& body) {
        const auto start = body.find("<CallerReference>");
        return body.substr(start, body.find("</CallerReference>") - start);
    };
    EXPECT_NE(reference(once), reference(fewer));
    EXPECT_NE(reference(once), reference(made(cloudfront, kTwo, "msg_1-1").body));
}

TEST(PurgeHook, http_sends_one_request_of_the_configured_shape) {
    auto varnish = hook(CacheKind::http);
    varnish.token = Secret{};
    varnish.url = "http://127.0.0.1:6081/i/{id}?again={id}";
    EXPECT_EQ(endpoint_of(varnish), varnish.url);
    EXPECT_EQ(most_images(varnish), 1U);
    auto request = made(varnish, std::span{kTwo}.first(1));
    EXPECT_EQ(request.method, "PURGE");
    EXPECT_EQ(request.url,
              "http://127.0.0.1:6081/i/7h2k4m6n8p0q1r3s5t7v9w0x2y?again=7h2k4m6n8p0q1r3s5t7v9w0x2y");
    EXPECT_EQ(header(request, "xkey"), "7h2k4m6n8p0q1r3s5t7v9w0x2y");
    EXPECT_EQ(header(request, "Authorization"), "(none)");
    varnish.token = Secret{"t0ken"};
    varnish.method = "BAN";
    request = made(varnish, std::span{kTwo}.first(1));
    EXPECT_EQ(request.method, "BAN");
    EXPECT_EQ(header(request, "Authorization"), "Bearer t0ken");
    for (const int status : {200, 204, 404, 412})
        EXPECT_TRUE(is_taken(varnish, answer(status))) << status;
    for (const int status : {301, 403, 405, 410, 429, 500})
        EXPECT_FALSE(is_taken(varnish, answer(status))) << status;
}

TEST(PurgeHook, answers_carry_the_tags_that_configured_caches_read) {
    PurgeHooks hooks;
    EXPECT_TRUE(tag_headers(hooks).empty());
    hooks["a"] = hook(CacheKind::cloudfront);
    EXPECT_TRUE(tag_headers(hooks).empty()) << "CloudFront knows none";
    hooks["b"] = hook(CacheKind::http);
    hooks["c"] = hook(CacheKind::fastly);
    hooks["d"] = hook(CacheKind::cloudflare);
    hooks["e"] = hook(CacheKind::fastly);
    EXPECT_EQ(tag_headers(hooks), (std::vector<std::string>{"Cache-Tag", "Surrogate-Key", "xkey"}));
}

}  // namespace
}  // namespace photogate::notifier::purges
