#include <map>

#include <fmt/format.h>

#include "gateway/config/validate.hpp"

namespace photogate::gateway::config {
namespace {

using Authentication = EventAuthentication;
using notifier::events::Dialect;

constexpr std::size_t kShortestToken = 32;

/// The regions of a source that names none: all but the built-in store's, which announces its objects itself.
std::vector<std::string> default_regions(const Config& config) {
    std::vector<std::string> names;
    for (const auto& [name, region] : config.regions) {
        if (name != config.store.region) names.push_back(name);
    }
    if (names.empty() && !config.store.region.empty()) names.push_back(config.store.region);
    return names;
}

std::string joined(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

/// An event names a bucket and no region, so among a source's regions the bucket's name must tell them apart.
void check_source_regions(const Config& config, const std::string& table, EventSource& source,
                          Report& report) {
    const auto key = table + ".region";
    const bool given = report.given(key);
    if (!given) source.regions = default_regions(config);
    if (given && source.regions.empty()) report.mistake(key, "names no region");
    std::map<std::string, std::string> region_of;  // by incoming bucket
    for (const auto& name : source.regions) {
        const auto region = config.regions.find(name);
        if (region == config.regions.end()) {
            report.mistake(key, fmt::format("names '{}', which is no region", name));
            continue;
        }
        const auto& bucket = region->second.incoming.str();
        const auto [first, fresh] = region_of.emplace(bucket, name);
        if (fresh) continue;
        if (first->second == name) {
            report.mistake(key, fmt::format("names '{}' twice", name));
        } else if (given) {
            report.mistake(key,
                           fmt::format("names {} and {}, whose incoming buckets are both '{}': their events "
                                       "can't be told apart, so each needs a source of its own",
                                       first->second, name, bucket));
        } else {
            report.mistake(
                key, fmt::format("is required: the incoming buckets of the regions {} and {} are both '{}'",
                                 first->second, name, bucket));
        }
    }
    if (!given && source.regions.size() > 1) {
        report.warning(key, fmt::format("is not set, so the source is believed for every region ({})",
                                        joined(source.regions)));
    }
}

Authentication own_authentication(Dialect dialect) {
    switch (dialect) {
        case Dialect::sns:
            return Authentication::sns;
        case Dialect::b2:
            return Authentication::b2;
        case Dialect::gcs:
            return Authentication::oidc;
        default:
            return Authentication::bearer;
    }
}

/// A signature of SNS or B2 says nothing about a body of another kind.
void check_authentication(const EventSource& source, const std::string& table, Report& report) {
    const auto key = table + ".authentication";
    const bool is_sns = source.authentication == Authentication::sns;
    if (is_sns != (source.dialect == Dialect::sns))
        report.mistake(
            key,
            "is sns with the dialect sns, and with no other: its messages are proven by their signatures");
    if (source.authentication == Authentication::b2 && source.dialect != Dialect::b2)
        report.mistake(key, "is b2, which only Backblaze sends: dialect = \"b2\"");
}

void check_tokens(const EventSource& source, const std::string& table, Report& report) {
    const auto key = table + ".tokens";
    const bool asked = !source.queue.url.empty();
    const bool optional = source.authentication == Authentication::sns || asked;
    if (source.authentication == Authentication::oidc) {
        if (report.given(key)) report.warning(key, "has no effect with oidc");
        return;
    }
    if (!report.given(key)) {
        if (!optional) report.mistake(key, "is required, here or as PHOTOGATE_EVENTS_TOKENS");
        return;
    }
    if (source.tokens.empty()) report.mistake(key, "has no token");
    if (source.tokens.size() > 2) report.mistake(key, "has more than two tokens");
    for (const auto& token : source.tokens) {
        if (source.dialect != Dialect::test && token.reveal().size() < kShortestToken) {
            report.mistake(key, fmt::format("has a token of {} characters, but at least {} are needed",
                                            token.reveal().size(), kShortestToken));
        }
    }
}

void check_sns(const EventSource& source, const std::string& table, Report& report) {
    const bool is_sns = source.authentication == Authentication::sns;
    if (is_sns && source.sns.topics.empty()) report.mistake(table + ".sns_topics", "is required for sns");
    for (const auto* option : {"sns_topics", "sns_versions", "sns_hosts"}) {
        const auto key = fmt::format("{}.{}", table, option);
        if (!is_sns && report.given(key)) report.warning(key, "has no effect without the authentication sns");
    }
    if (is_sns && !source.sns.hosts.empty())
        report.warning(table + ".sns_hosts", "is believed in place of AWS's own hosts");
}

void check_oidc(const EventSource& source, const std::string& table, Report& report) {
    const bool is_oidc = source.authentication == Authentication::oidc;
    for (const auto* option : {"oidc_audience", "oidc_email"}) {
        const auto key = fmt::format("{}.{}", table, option);
        if (is_oidc && !report.given(key)) report.mistake(key, "is required for oidc");
        if (!is_oidc && report.given(key))
            report.warning(key, "has no effect without the authentication oidc");
    }
    const bool fetches = is_oidc || source.authentication == Authentication::sns;
    for (const auto* option : {"allowed_networks", "ca_file"}) {
        const auto key = fmt::format("{}.{}", table, option);
        if (!fetches && report.given(key)) report.warning(key, "has no effect: no key is fetched");
    }
}

void check_queue(const EventSource& source, const std::string& table, Report& report) {
    const auto url = table + ".queue_url";
    if (source.queue.url.empty()) {
        if (report.given(table + ".queue_token"))
            report.warning(table + ".queue_token", "has no effect without queue_url");
        return;
    }
    if (source.dialect != Dialect::r2) report.mistake(url, "is a queue of R2's events: dialect = \"r2\"");
    if (!report.given(table + ".queue_token"))
        report.mistake(table + ".queue_token", "is required beside queue_url");
}

}  // namespace

void check_events(Config& config, Report& report) {
    for (auto& [name, source] : config.events) {
        const auto table = "events." + name;
        if (!report.given(table + ".authentication"))
            source.authentication = own_authentication(source.dialect);
        if (!report.given(table + ".key_encoding"))
            source.key_encoding = notifier::events::default_key_encoding(source.dialect);
        check_authentication(source, table, report);
        check_tokens(source, table, report);
        check_sns(source, table, report);
        check_oidc(source, table, report);
        check_queue(source, table, report);
        check_source_regions(config, table, source, report);
    }
    if (config.events.empty() && config.regions.size() > (config.store.region.empty() ? 0U : 1U))
        report.warning(
            Origin{},
            "no [events.NAME] is configured: uploads are found by the reconciler and by /complete alone");
}

}  // namespace photogate::gateway::config
