// IP addresses and CIDR blocks as numbers, to identify a peer and match it against configured blocks.
//
// Thread safety: values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate {

struct IpAddress {
    /// IPv4 in its mapped form, ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2).
    std::array<std::uint8_t, 16> bytes{};

    bool is_v4() const;
    std::string text() const;
    /// What a network usually assigns to one customer: the IPv4 address, or the IPv6 address's /64.
    IpAddress subscriber() const;
    bool operator==(const IpAddress&) const = default;
    bool operator<(const IpAddress& other) const { return bytes < other.bytes; }
};

/// `192.0.2.7`, `2001:db8::7`, `::ffff:192.0.2.7`; no port, no brackets, no zone.
std::optional<IpAddress> parse_ip_address(std::string_view text);

/// A CIDR block.
struct IpBlock {
    IpAddress address;
    int bits = 128;  ///< of the mapped form

    /// An IPv6 block never contains IPv4 addresses.
    bool contains(const IpAddress& other) const;
    /// Of the address, behind the block's bits: 10.0.0.1/8.
    bool has_host_bits() const;
};

/// `10.0.0.0/8`, `2001:db8::/32`, or one address. Errors: invalid_field.
Result<IpBlock> parse_ip_block(std::string_view text);

}  // namespace photogate
