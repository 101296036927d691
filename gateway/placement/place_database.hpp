// Where an address is, by a file in MaxMind's format (MaxMind DB 2.0): GeoLite2, GeoIP2, DB-IP, IPinfo.
//
// Its records have `country.iso_code` (ISO 3166-1) and `continent.code`. The file is mapped, not read: replace it by a
// rename, never by writing into it.
//
// Thread safety: any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ip_address.hpp"
#include "base/result.hpp"

namespace photogate::gateway::placement {

struct Place {
    std::string country;    ///< `DE`; empty: not known
    std::string continent;  ///< `EU`; empty: not known
};

class PlaceDatabase {
  public:
    /// Errors: file_error.
    static Result<std::shared_ptr<const PlaceDatabase>> open(const std::string& file);

    /// nullopt where the database knows nothing of the address.
    std::optional<Place> find(const IpAddress& address) const;

  private:
    struct Handle;
    explicit PlaceDatabase(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
    std::shared_ptr<Handle> handle_;
};

}  // namespace photogate::gateway::placement
