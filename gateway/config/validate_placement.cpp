#include <algorithm>

#include <fmt/format.h>

#include "gateway/config/validate.hpp"

namespace photogate::gateway::config {
namespace {

/// The codes of one region among those of all; `code` is one of them and `other` a region that has it already.
void add_codes(const std::vector<std::string>& codes, const std::string& region, const std::string& key,
               std::map<std::string, std::string>& all, Report& report) {
    for (const auto& code : codes) {
        const auto [first, fresh] = all.emplace(code, region);
        if (!fresh)
            report.mistake(key, fmt::format("has '{}', which region {} has already", code, first->second));
    }
}

void check_names(const std::vector<std::string>& names, const Config& config, const std::string& key,
                 Report& report) {
    for (const auto& name : names) {
        if (!config.regions.contains(name))
            report.mistake(key, fmt::format("names '{}', which is no region", name));
    }
}

void check_fallback(const Config& config, const std::string& region, const std::vector<std::string>& names,
                    Report& report) {
    const auto key = fmt::format("regions.{}.fallback", region);
    check_names(names, config, key, report);
    for (auto name = names.begin(); name != names.end(); ++name) {
        if (*name == region) report.mistake(key, "names the region itself");
        if (std::find(names.begin(), name, *name) != name)
            report.mistake(key, fmt::format("names '{}' twice", *name));
    }
}

void check_place_database(const placement::PlacementRules& rules, Report& report) {
    if (rules.database.empty()) return;
    const auto opened = placement::PlaceDatabase::open(rules.database);
    if (!opened) report.mistake("placement.database", "is not usable: " + opened.error().detail);
}

}  // namespace

void check_placement(Config& config, Report& report) {
    auto& rules = config.placement.rules;
    rules.trusted_proxies = config.server.trusted_proxies;
    for (const auto& [name, region] : config.regions)
        rules.regions.insert(name);
    for (const auto& [name, places] : config.placement.of) {
        const auto table = "regions." + name;
        for (const auto& block : places.networks) {
            if (const auto* other = rules.networks.add(block, name))
                report.mistake(table + ".networks",
                               fmt::format("has a network that region {} has already", *other));
        }
        add_codes(places.countries, name, table + ".countries", rules.countries, report);
        add_codes(places.continents, name, table + ".continents", rules.continents, report);
        if (!report.given(table + ".fallback")) continue;
        check_fallback(config, name, places.fallback, report);
        config.placement.fallbacks[name] = places.fallback;
    }
    check_names(config.worker.regions, config, "worker.regions", report);
    check_place_database(rules, report);
    if (rules.header.empty() && report.given("placement.header_says"))
        report.warning("placement.header_says", "has no effect without placement.header");
    const auto& standard = config.placement.default_region;
    if (standard.empty()) return;
    check_names({standard}, config, "placement.default_region", report);
    config.default_region = standard;
}

}  // namespace photogate::gateway::config
