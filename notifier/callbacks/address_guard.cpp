#include "notifier/callbacks/address_guard.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace photogate::notifier::callbacks {
namespace {

constexpr IpBlock v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, int bits) {
    return {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d}}, 96 + bits};
}
constexpr IpBlock v6(std::uint16_t a, std::uint16_t b, std::uint16_t c, int bits) {
    return {
        {{static_cast<std::uint8_t>(a >> 8), static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b >> 8),
          static_cast<std::uint8_t>(b), static_cast<std::uint8_t>(c >> 8), static_cast<std::uint8_t>(c)}},
        bits};
}

constexpr IpBlock kMapped = v4(0, 0, 0, 0, 0);
constexpr IpBlock kNat64 = v6(0x64, 0xff9b, 0, 96);
constexpr IpBlock kGlobalUnicast = v6(0x2000, 0, 0, 3);

constexpr IpBlock kSpecialV4[] = {
    v4(0, 0, 0, 0, 8),         // this network, RFC 791
    v4(10, 0, 0, 0, 8),        // private, RFC 1918
    v4(100, 64, 0, 0, 10),     // shared, RFC 6598; Alibaba's metadata
    v4(127, 0, 0, 0, 8),       // loopback
    v4(168, 63, 129, 16, 32),  // Azure's wire server
    v4(169, 254, 0, 0, 16),    // link-local, RFC 3927; metadata of most clouds
    v4(172, 16, 0, 0, 12),     // private
    v4(192, 0, 0, 0, 24),      // IETF protocol assignments, RFC 6890; Oracle's metadata
    v4(192, 0, 2, 0, 24),      // documentation, RFC 5737
    v4(192, 31, 196, 0, 24),   // AS112, RFC 7535
    v4(192, 52, 193, 0, 24),   // AMT, RFC 7450
    v4(192, 88, 99, 0, 24),    // 6to4 relays, RFC 7526
    v4(192, 168, 0, 0, 16),    // private
    v4(192, 175, 48, 0, 24),   // AS112, RFC 7534
    v4(198, 18, 0, 0, 15),     // benchmarking, RFC 2544
    v4(198, 51, 100, 0, 24),   // documentation
    v4(203, 0, 113, 0, 24),    // documentation
    v4(224, 0, 0, 0, 4),       // multicast
    v4(240, 0, 0, 0, 4),       // reserved, and the limited broadcast
};

/// Inside 2000::/3.
constexpr IpBlock kSpecialV6[] = {
    v6(0x2001, 0, 0, 23),            // IETF protocol assignments: Teredo, ORCHID, benchmarking, AMT, …
    v6(0x2001, 0x0db8, 0, 32),       // documentation, RFC 3849
    v6(0x2002, 0, 0, 16),            // 6to4, RFC 3056
    v6(0x2620, 0x004f, 0x8000, 48),  // AS112, RFC 7534
    v6(0x3ffe, 0, 0, 16),            // the 6bone, returned by RFC 3701
    v6(0x3fff, 0, 0, 20),            // documentation, RFC 9637
};

}  // namespace

Result<AddressGuard> AddressGuard::make(const std::vector<std::string>& allowed) {
    AddressGuard guard;
    for (const auto& text : allowed) {
        const auto block = parse_ip_block(text);
        if (!block) {
            return fail(ErrorCode::invalid_configuration,
                        fmt::format("'{}' is not an address block such as 10.1.2.0/24 or fd00::/8", text));
        }
        if (block->has_host_bits()) {
            return fail(ErrorCode::invalid_configuration,
                        fmt::format("'{}' has bits set behind its prefix", text));
        }
        guard.allowed_.push_back(*block);
    }
    return guard;
}

bool AddressGuard::permits(const IpAddress& given) const {
    IpAddress address = given;
    if (kNat64.contains(address)) std::copy_n(kMapped.address.bytes.begin(), 12, address.bytes.begin());
    const auto covered = [&](const IpBlock& block) { return block.contains(address); };
    if (std::any_of(allowed_.begin(), allowed_.end(), covered)) return true;
    if (address.is_v4()) return std::none_of(std::begin(kSpecialV4), std::end(kSpecialV4), covered);
    return covered(kGlobalUnicast) && std::none_of(std::begin(kSpecialV6), std::end(kSpecialV6), covered);
}

bool AddressGuard::permits(const sockaddr& address) const {
    IpAddress plain = kMapped.address;
    if (address.sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        std::memcpy(plain.bytes.data() + 12, &in.sin_addr, 4);
        return permits(plain);
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &address, sizeof in);
        std::memcpy(plain.bytes.data(), &in.sin6_addr, 16);
        return permits(plain);
    }
    return false;
}

}  // namespace photogate::notifier::callbacks
