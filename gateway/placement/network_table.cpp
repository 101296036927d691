#include "gateway/placement/network_table.hpp"

namespace photogate::gateway::placement {
namespace {

constexpr int kMappedBits = 96;  // of an IPv4 address in its mapped form

IpAddress network_of(IpAddress address, int bits) {
    auto whole = static_cast<std::size_t>(bits / 8);
    if (bits % 8 != 0) {
        address.bytes[whole] &= static_cast<std::uint8_t>(0xFF << (8 - bits % 8));
        ++whole;
    }
    for (; whole < address.bytes.size(); ++whole)
        address.bytes[whole] = 0;
    return address;
}

}  // namespace

const std::string* NetworkTable::add(const IpBlock& block, const std::string& region) {
    const auto [place, fresh] = by_length_[block.bits].emplace(network_of(block.address, block.bits), region);
    return fresh ? nullptr : &place->second;
}

const std::string* NetworkTable::find(const IpAddress& address) const {
    const bool is_v4 = address.is_v4();
    for (const auto& [bits, regions] : by_length_) {
        if (is_v4 && bits < kMappedBits) break;
        const auto found = regions.find(network_of(address, bits));
        if (found != regions.end()) return &found->second;
    }
    return nullptr;
}

}  // namespace photogate::gateway::placement
