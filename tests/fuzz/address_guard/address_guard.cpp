// Sixteen bytes of an address, then blocks that are allowed, one a line: every spelling of an address gets
// the same verdict, a block permits its addresses and forbids none, and special addresses are never
// permitted.
#include "notifier/callbacks/address_guard.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "fuzz.hpp"

namespace photogate::notifier::callbacks {
namespace {

using fuzz::require;
using Address = std::array<std::uint8_t, 16>;

bool permits(const AddressGuard& guard, const Address& address, std::size_t first, int family) {
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
        std::memcpy(&reinterpret_cast<sockaddr_in&>(storage).sin_addr, address.data() + first, 4);
    } else {
        std::memcpy(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr, address.data() + first, 16);
    }
    return guard.permits(reinterpret_cast<const sockaddr&>(storage));
}

Address with_prefix(const Address& prefix, const Address& address) {
    Address out = prefix;
    std::copy(address.begin() + 12, address.end(), out.begin() + 12);
    return out;
}

constexpr Address kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr Address kNat64{0, 0x64, 0xFF, 0x9B};

/// The system's macros for addresses that are not on the public internet.
bool special(const Address& address) {
    in6_addr v6{};
    std::memcpy(&v6, address.data(), 16);
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
        return IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) ||
               IN6_IS_ADDR_SITELOCAL(&v6) || IN6_IS_ADDR_MULTICAST(&v6) || (address[0] & 0xFEU) == 0xFCU;
    }
    const auto a = address[12], b = address[13];
    return a == 0 || a == 10 || a == 127 || a >= 224 || (a == 172 && (b & 0xF0U) == 16) ||
           (a == 192 && b == 168) || (a == 169 && b == 254) || (a == 100 && (b & 0xC0U) == 64);
}

void run(BytesView bytes) {
    Address address{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), address.size()), address.begin());
    std::vector<std::string> blocks;
    fuzz::Input input{bytes.subspan(std::min(bytes.size(), address.size()))};
    while (!input.empty())
        blocks.emplace_back(input.line());

    const AddressGuard strict;
    const auto mapped = with_prefix(kMapped, address);
    for (const auto& each : {address, mapped})
        require(!special(each) || !strict.permits(IpAddress{each}), "what is special is not let through");
    const auto allowing = AddressGuard::make(blocks);
    for (const auto* guard : {&strict, allowing ? &*allowing : &strict}) {
        require(guard->permits(IpAddress{address}) == permits(*guard, address, 0, AF_INET6),
                "an IPv6 address is judged alike in a socket's form");
        const bool verdict = guard->permits(IpAddress{mapped});
        require(verdict == permits(*guard, address, 12, AF_INET) &&
                    verdict == guard->permits(IpAddress{with_prefix(kNat64, address)}),
                "an IPv4 address is judged alike in each of its forms");
    }
    if (!allowing) return;
    require(!strict.permits(IpAddress{address}) || allowing->permits(IpAddress{address}),
            "a block takes nothing away");
    for (const auto& block : blocks) {
        const auto text = block.substr(0, block.find('/'));
        Address first = kMapped;
        const bool v4 = ::inet_pton(AF_INET, text.c_str(), first.data() + 12) == 1;
        require(v4 || ::inet_pton(AF_INET6, text.c_str(), first.data()) == 1,
                "a block begins with an address");
        in6_addr v6{};
        std::memcpy(&v6, first.data(), 16);
        const bool disguised = !v4 && (IN6_IS_ADDR_V4MAPPED(&v6) ||
                                       std::equal(kNat64.begin(), kNat64.begin() + 12, first.begin()));
        require(disguised || allowing->permits(IpAddress{first}), "a block allows what is in it");
    }
}

const fuzz::Target target{"address_guard", run};

}  // namespace
}  // namespace photogate::notifier::callbacks
