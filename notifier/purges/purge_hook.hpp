// What a cache in front of photogate is sent, so that it forgets a deleted image.
//
// One request covers an image, all its versions and every spelling of their URLs: by a prefix of the path where the
// cache has that, else by the tag that every answer carries. A list of URLs would never be complete, as anybody can ask
// for a version under a parameter more.
//
// Sources: Cloudflare API "Purge Cached Content" (prefixes, 100 in a request); Fastly "Purge multiple surrogate key
// tags" (256 keys); CloudFront API 2020-05-31 "CreateInvalidation", and its quota of 15 paths with a wildcard at once.
//
// Thread safety: pure functions over values.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/credentials.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::notifier::purges {

enum class CacheKind { cloudflare, fastly, cloudfront, http };

/// In the URL of a hook of kind `http`: the image's public id.
inline constexpr std::string_view kIdPlaceholder = "{id}";

struct PurgeHook {
    std::string name;
    CacheKind kind = CacheKind::http;
    Endpoint api;                     ///< not of `http`
    std::string resource;             ///< Cloudflare's zone, Fastly's service, CloudFront's distribution
    Secret token;                     ///< of Cloudflare and Fastly; of `http` where it is not empty
    signer::Credentials credentials;  ///< of CloudFront
    std::string method = "PURGE";     ///< of `http`
    std::string url;                  ///< of `http`, with kIdPlaceholder
    std::vector<std::string> hosts;   ///< of Cloudflare: under which the images are read
    /// After a purge a request that began before the deletion can still be answered, and its answer be cached: so long
    /// after the first there is a second. 0: there is none.
    std::chrono::seconds repeat_after{60};
};

/// By name.
using PurgeHooks = std::map<std::string, PurgeHook>;

/// The API's own; of `http` nothing.
std::string_view standard_api(CacheKind kind);
/// Where requests go, without anything of an image: what is shown and grouped by.
std::string endpoint_of(const PurgeHook& hook);
/// How many images one request may name: at least 1.
std::size_t most_images(const PurgeHook& hook);

/// `images` are at most most_images(). `reference` names this attempt at these images: CloudFront does nothing twice
/// for the same. Errors: those of signing.
Result<storage::http::Request> purge_request(const PurgeHook& hook, std::span<const PublicId> images,
                                             std::string_view reference, Timestamp now);

/// Whether the cache has forgotten them: 2xx; of Cloudflare its `success` too; of `http` also 404 and 412, which
/// nginx's purging answers where it had nothing.
bool is_taken(const PurgeHook& hook, const storage::http::Response& answer);

/// The response headers that carry an image's public id as its tag, for the caches that purge by one: `Surrogate-Key`
/// (Fastly), `Cache-Tag` (Cloudflare), `xkey` (Varnish).
std::vector<std::string> tag_headers(const PurgeHooks& hooks);

}  // namespace photogate::notifier::purges
