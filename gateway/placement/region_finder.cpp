#include "gateway/placement/region_finder.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "gateway/http/client_address.hpp"

namespace photogate::gateway::placement {
namespace {

std::optional<std::string> in(const std::map<std::string, std::string>& regions, const std::string& code) {
    const auto found = regions.find(code);
    return found == regions.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace

Result<std::unique_ptr<RegionFinder>> RegionFinder::open(PlacementRules rules) {
    std::shared_ptr<const PlaceDatabase> places;
    if (!rules.database.empty()) {
        auto opened = PlaceDatabase::open(rules.database);
        if (!opened) return fail(std::move(opened.error()));
        places = std::move(*opened);
    }
    return std::unique_ptr<RegionFinder>{new RegionFinder(std::move(rules), std::move(places))};
}

std::optional<std::string> RegionFinder::told_by(std::string_view value) const {
    const auto word = trim(value);
    switch (rules_.says) {
        case HeaderSays::country:
            return in(rules_.countries, ascii::to_upper(word));
        case HeaderSays::continent:
            return in(rules_.continents, ascii::to_upper(word));
        case HeaderSays::region: {
            auto name = ascii::to_lower(word);
            if (rules_.regions.contains(name)) return name;
            break;
        }
    }
    return std::nullopt;
}

std::optional<std::string> RegionFinder::near(const http::RequestHead& request) const {
    if (!rules_.header.empty() && request.peer && http::is_any_of(*request.peer, rules_.trusted_proxies) &&
        request.headers.count(rules_.header) == 1) {
        if (auto told = told_by(*request.headers.find(rules_.header))) return told;
    }
    return request.client ? near(*request.client) : std::nullopt;
}

std::optional<std::string> RegionFinder::near(const IpAddress& address) const {
    if (const auto* region = rules_.networks.find(address)) return *region;
    const auto places = places_.now();
    if (!*places) return std::nullopt;
    const auto place = (*places)->find(address);
    if (!place) return std::nullopt;
    auto region = in(rules_.countries, place->country);
    return region ? region : in(rules_.continents, place->continent);
}

Result<> RegionFinder::reopen() {
    if (rules_.database.empty()) return {};
    auto opened = PlaceDatabase::open(rules_.database);
    if (!opened) return fail(std::move(opened.error()));
    places_.replace(std::move(*opened));
    return {};
}

}  // namespace photogate::gateway::placement
