// Which addresses a callback may go to: none that is private, loopback, link-local or otherwise special,
// unless configured.
//
// Checked on the address that connect(2) gets, so neither a name that resolves inwards nor one that changes
// its mind gets through.
//
// ::ffff:0/96 and NAT64's 64:ff9b::/96 are judged by the IPv4 address inside. 6to4, Teredo and the local-use
// NAT64 prefix, which tunnel to an address of another's choice, are refused whole, and so is all of
// IPv6 outside 2000::/3. Source: the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890, 8190),
// RFC 6052, 3056, 4380; and 168.63.129.16, which looks public and is the inside of Azure.
//
// Thread safety: immutable values, pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"

struct sockaddr;

namespace photogate::notifier::callbacks {

class AddressGuard {
  public:
    /// `allowed`: CIDR blocks that are permitted although they are special (`127.0.0.0/8`, `10.1.2.0/24`,
    /// `::1/128`, or one address). An IPv6 block never covers IPv4. Errors: invalid_configuration.
    static Result<AddressGuard> make(const std::vector<std::string>& allowed);
    AddressGuard() = default;
    /// False for families other than IPv4 and IPv6.
    bool permits(const sockaddr& address) const;

    bool permits(const IpAddress& address) const;

  private:
    std::vector<IpBlock> allowed_;
};

/// What a per-upload `callback_url` must be before it is stored: https (http only where a host is allowed
/// so), a host, no user, no fragment, at most 2,048 bytes of URL characters (RFC 3986). A literal address in
/// any spelling that a resolver takes (`127.1`, `0x7f000001`, circled digits) and the names of loopback and
/// metadata services are judged by the guard first; then the host must be on the list. An address in another
/// than its plain spelling is refused even where it is public. Errors: invalid_callback_url,
/// callback_address_blocked, callback_host_not_allowed.
struct CallbackUrlPolicy {
    /// `hooks.example.com`, `*.example.com` (any name below it), `203.0.113.7`, `[2001:db8::1]`; with `:8443`
    /// or `:*` behind it for another port than the scheme's own. Empty: none, per-upload URLs are off.
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> http_hosts;  ///< hosts that may be called without TLS
    AddressGuard guard;
};
Result<> check_callback_url(std::string_view url, const CallbackUrlPolicy& policy);

}  // namespace photogate::notifier::callbacks
