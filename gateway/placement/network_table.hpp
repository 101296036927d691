// Which region is near a network: of the blocks that contain an address, the longest decides.
//
// Thread safety: immutable once filled.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/ip_address.hpp"

namespace photogate::gateway::placement {

class NetworkTable {
  public:
    /// The region that has the block already, which keeps it; nullptr where the block was added.
    const std::string* add(const IpBlock& block, const std::string& region);
    /// nullptr where no block contains the address. An IPv6 block never contains IPv4 addresses. Takes a look-up for
    /// each length of block that is in the table.
    const std::string* find(const IpAddress& address) const;
    bool empty() const { return by_length_.empty(); }

  private:
    std::map<int, std::map<IpAddress, std::string>, std::greater<>> by_length_;
};

}  // namespace photogate::gateway::placement
