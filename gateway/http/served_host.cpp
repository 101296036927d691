#include "gateway/http/served_host.hpp"

#include <algorithm>
#include <cstdint>

#include "base/ascii.hpp"
#include "base/ip_address.hpp"
#include "gateway/http/message.hpp"

namespace photogate::gateway::http {
namespace {

bool is_loopback(const IpAddress& address) {
    constexpr std::uint8_t kLoopbackNet = 127;
    if (address.is_v4()) return address.bytes[12] == kLoopbackNet;
    return address == *parse_ip_address("::1");
}

/// `host` without its port.
bool serves_address(Listener::Addresses served, std::string_view host) {
    if (served == Listener::Addresses::none) return false;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = parse_ip_address(host);
    return address && (served == Listener::Addresses::all || is_loopback(*address));
}

}  // namespace

bool serves_host(const Listener& listener, std::string_view host) {
    if (listener.hosts.empty()) return true;
    const auto bare = host.substr(0, host.find(':', host.starts_with('[') ? host.find(']') : 0));
    if (serves_address(listener.addresses, bare)) return true;
    return std::any_of(listener.hosts.begin(), listener.hosts.end(), [&](const std::string& served) {
        return ascii::equals_ignoring_case(served, host) || ascii::equals_ignoring_case(served, bare);
    });
}

}  // namespace photogate::gateway::http
