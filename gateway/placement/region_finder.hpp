// Which region is near whoever sends a file, asked in this order: a CDN's header, the table of networks, the database of
// places. What none of them knows is near no region.
//
// The header counts only where a trusted proxy sent the request, and once; whoever else sends it says nothing.
//
// Thread safety: any thread. Nothing is stored or logged of an address.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/live.hpp"
#include "base/result.hpp"
#include "gateway/http/message.hpp"
#include "gateway/placement/network_table.hpp"
#include "gateway/placement/place_database.hpp"

namespace photogate::gateway::placement {

/// What the value of the CDN's header is.
enum class HeaderSays { country, continent, region };

struct PlacementRules {
    std::string header;  ///< empty: none is asked
    HeaderSays says = HeaderSays::country;
    std::vector<IpBlock> trusted_proxies;  ///< whose header is believed
    NetworkTable networks;
    std::map<std::string, std::string> countries;   ///< region by ISO 3166-1 code, in capitals
    std::map<std::string, std::string> continents;  ///< region by AF, AN, AS, EU, NA, OC, SA
    std::set<std::string> regions;                  ///< those that there are
    std::string database;                           ///< a file; empty: none
};

class RegionFinder {
  public:
    /// Nothing is near.
    RegionFinder() : RegionFinder(PlacementRules{}, nullptr) {}
    /// Errors: file_error, of the database.
    static Result<std::unique_ptr<RegionFinder>> open(PlacementRules rules);

    /// Of a request that the client itself sent; nullopt where nothing is known.
    std::optional<std::string> near(const http::RequestHead& request) const;
    std::optional<std::string> near(const IpAddress& address) const;

    /// Opens the database's file anew, which may have been replaced. Errors: file_error; then the former one stays.
    Result<> reopen();

  private:
    RegionFinder(PlacementRules rules, std::shared_ptr<const PlaceDatabase> places)
        : rules_(std::move(rules)), places_(std::move(places)) {}
    std::optional<std::string> told_by(std::string_view value) const;

    const PlacementRules rules_;
    /// Holds null where there is none.
    Live<std::shared_ptr<const PlaceDatabase>> places_;
};

}  // namespace photogate::gateway::placement
