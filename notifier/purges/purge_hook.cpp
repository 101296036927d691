#include "notifier/purges/purge_hook.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "signer/digest.hpp"
#include "signer/signer.hpp"

namespace photogate::notifier::purges {
namespace {

namespace http = storage::http;

constexpr std::size_t kMostPrefixes = 100;
constexpr std::size_t kMostKeys = 256;
constexpr std::size_t kMostWildcards = 15;

std::string image_path(const PublicId& id) {
    return "/i/" + id.str();
}

std::string api_path(const PurgeHook& hook) {
    switch (hook.kind) {
        case CacheKind::cloudflare:
            return "/client/v4/zones/" + hook.resource + "/purge_cache";
        case CacheKind::fastly:
            return "/service/" + hook.resource + "/purge";
        case CacheKind::cloudfront:
            return "/2020-05-31/distribution/" + hook.resource + "/invalidation";
        case CacheKind::http:
            break;
    }
    return {};
}

http::Request cloudflare(const PurgeHook& hook, std::span<const PublicId> images) {
    json::Writer body;
    body.begin_object();
    body.name("prefixes");
    body.begin_array();
    for (const auto& host : hook.hosts)
        for (const auto& image : images)
            body.text(host + image_path(image));
    body.end_array();
    body.end_object();
    http::Request request;
    request.method = "POST";
    request.headers = {{"Authorization", "Bearer " + std::string{hook.token.reveal()}},
                       {"Content-Type", "application/json"}};
    request.body = body.take();
    return request;
}

http::Request fastly(const PurgeHook& hook, std::span<const PublicId> images) {
    std::string keys;
    for (const auto& image : images)
        keys.append(keys.empty() ? "" : " ").append(image.str());
    http::Request request;
    request.method = "POST";
    request.headers = {{"Fastly-Key", std::string{hook.token.reveal()}},
                       {"Accept", "application/json"},
                       {"Surrogate-Key", std::move(keys)}};
    return request;
}

/// Neither a public id nor a reference has a character that XML would need escaped.
Result<http::Request> cloudfront(const PurgeHook& hook, std::span<const PublicId> images,
                                 std::string_view reference, Timestamp now) {
    std::string paths;
    for (const auto& image : images)
        paths += "<Path>" + image_path(image) + "*</Path>";
    // CloudFront refuses a reference that it knows with other paths: a repeated attempt may have other neighbours.
    const auto these = hex_lower(signer::sha256(paths)).substr(0, 16);
    auto body = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">"
        "<CallerReference>{}-{}</CallerReference>"
        "<Paths><Quantity>{}</Quantity><Items>{}</Items></Paths></InvalidationBatch>",
        reference, these, images.size(), paths);
    // CloudFront is signed for in this region, wherever it serves. The path is addressed as one of a bucket is.
    const signer::Signer signer{hook.credentials, Region::trusted("us-east-1"), "cloudfront"};
    const auto path = api_path(hook).substr(1);
    const auto slash = path.find('/');
    signer::HeaderSignRequest to_sign;
    to_sign.method = "POST";
    to_sign.address = {hook.api, signer::AddressingStyle::path, Bucket::trusted(path.substr(0, slash)),
                       ObjectKey::trusted(path.substr(slash + 1))};
    to_sign.headers = {{"Content-Type", "text/xml"}};
    to_sign.payload_sha256 = hex_lower(signer::sha256(body));
    to_sign.at = now;
    auto made = signer.sign_headers(to_sign);
    if (!made) return fail(std::move(made.error()));
    http::Request request;
    request.method = "POST";
    for (auto& header : made->headers)
        request.headers.push_back({std::move(header.name), std::move(header.value)});
    request.body = std::move(body);
    return request;
}

http::Request plain(const PurgeHook& hook, const PublicId& image) {
    http::Request request;
    request.method = hook.method;
    request.headers = {{"xkey", image.str()}};
    if (!hook.token.empty())
        request.headers.push_back({"Authorization", "Bearer " + std::string{hook.token.reveal()}});
    request.url = hook.url;
    for (auto at = request.url.find(kIdPlaceholder); at != std::string::npos;
         at = request.url.find(kIdPlaceholder, at + image.str().size()))
        request.url.replace(at, kIdPlaceholder.size(), image.str());
    return request;
}

}  // namespace

std::string_view standard_api(CacheKind kind) {
    switch (kind) {
        case CacheKind::cloudflare:
            return "https://api.cloudflare.com";
        case CacheKind::fastly:
            return "https://api.fastly.com";
        case CacheKind::cloudfront:
            return "https://cloudfront.amazonaws.com";
        case CacheKind::http:
            break;
    }
    return {};
}

std::string endpoint_of(const PurgeHook& hook) {
    return hook.kind == CacheKind::http ? hook.url : hook.api.origin() + api_path(hook);
}

std::size_t most_images(const PurgeHook& hook) {
    switch (hook.kind) {
        case CacheKind::cloudflare:
            return std::max<std::size_t>(1, kMostPrefixes / std::max<std::size_t>(1, hook.hosts.size()));
        case CacheKind::fastly:
            return kMostKeys;
        case CacheKind::cloudfront:
            return kMostWildcards;
        case CacheKind::http:
            break;
    }
    return 1;
}

Result<http::Request> purge_request(const PurgeHook& hook, std::span<const PublicId> images,
                                    std::string_view reference, Timestamp now) {
    Result<http::Request> request = http::Request{};
    switch (hook.kind) {
        case CacheKind::cloudflare:
            request = cloudflare(hook, images);
            break;
        case CacheKind::fastly:
            request = fastly(hook, images);
            break;
        case CacheKind::cloudfront:
            request = cloudfront(hook, images, reference, now);
            break;
        case CacheKind::http:
            return plain(hook, images.front());
    }
    if (request) request->url = endpoint_of(hook);
    return request;
}

bool is_taken(const PurgeHook& hook, const http::Response& answer) {
    const bool good = answer.status >= 200 && answer.status < 300;
    if (hook.kind == CacheKind::http) return good || answer.status == 404 || answer.status == 412;
    if (hook.kind != CacheKind::cloudflare || !good) return good;
    const auto document = json::read_object(answer.body);
    const auto* success = document ? document->find("success") : nullptr;
    return success != nullptr && success->boolean() != nullptr && *success->boolean();
}

std::vector<std::string> tag_headers(const PurgeHooks& hooks) {
    std::set<std::string> names;
    for (const auto& [name, hook] : hooks) {
        if (hook.kind == CacheKind::cloudflare) names.insert("Cache-Tag");
        if (hook.kind == CacheKind::fastly) names.insert("Surrogate-Key");
        if (hook.kind == CacheKind::http) names.insert("xkey");
    }
    return {names.begin(), names.end()};
}

}  // namespace photogate::notifier::purges
