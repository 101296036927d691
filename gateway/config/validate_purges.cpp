#include <fmt/format.h>

#include "base/ip_address.hpp"
#include "gateway/config/validate.hpp"

namespace photogate::gateway::config {
namespace {

using notifier::purges::CacheKind;
using notifier::purges::PurgeHook;

constexpr std::size_t kMostHosts = 50;

/// Who is connected to is held to the callbacks' guard in any case; what can be known before is said at once.
void check_address(const PurgeHook& hook, const std::string& key, const Config& config, Report& report) {
    const auto host = hook.kind == CacheKind::http
                          ? parse_endpoint(hook.url.substr(0, hook.url.find('/', hook.url.find("://") + 3)))
                                .map([](const Endpoint& endpoint) { return endpoint.host; })
                                .value_or("")
                          : hook.api.host;
    const bool literal = host.starts_with('[');
    const auto address = parse_ip_address(literal ? host.substr(1, host.size() - 2) : host);
    if (address && !config.callbacks.policy.guard.permits(*address))
        report.mistake(key, fmt::format("leads to {}, which is not public: to call it, name it in "
                                        "callbacks.allowed_networks",
                                        host));
}

void check_purge(PurgeHook& hook, const Config& config, const std::string& table, Report& report) {
    const auto require = [&](std::string_view key) {
        const auto full = fmt::format("{}.{}", table, key);
        if (!report.given(full)) report.mistake(full, "is required");
    };
    const auto unused = [&](std::string_view key) {
        const auto full = fmt::format("{}.{}", table, key);
        if (report.given(full)) report.warning(full, "has no effect with this kind");
    };
    require("kind");
    if (!report.given(table + ".kind")) return;
    const bool is_http = hook.kind == CacheKind::http;
    const bool is_cloudfront = hook.kind == CacheKind::cloudfront;
    if (is_http) {
        require("url");
        for (const auto* key : {"id", "api"})
            unused(key);
    } else {
        require("id");
        for (const auto* key : {"url", "method"})
            unused(key);
        if (!report.given(table + ".api")) hook.api = *parse_endpoint(standard_api(hook.kind));
    }
    for (const auto* key : {"access_key", "secret_key"})
        is_cloudfront ? require(key) : unused(key);
    if (is_cloudfront) unused("token");
    if (!is_http && !is_cloudfront) require("token");
    if (hook.kind != CacheKind::cloudflare) {
        unused("hosts");
    } else if (!report.given(table + ".hosts")) {
        if (config.server.public_url) hook.hosts = {config.server.public_url->host_header()};
        if (hook.hosts.empty()) report.mistake(table + ".hosts", "is required without server.public_url");
    } else if (hook.hosts.empty() || hook.hosts.size() > kMostHosts) {
        report.mistake(table + ".hosts", fmt::format("has 1 to {} hosts", kMostHosts));
    }
    check_address(hook, table + (is_http ? ".url" : ".api"), config, report);
}

}  // namespace

void check_purges(Config& config, Report& report) {
    for (auto& [name, hook] : config.purges)
        check_purge(hook, config, "purges." + name, report);
}

}  // namespace photogate::gateway::config
