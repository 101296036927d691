// Which addresses a callback may go to: none that is private, loopback, link-local or otherwise special, unless configured.
//
// Checked on the address that connect(2) gets, after unmapping ::ffff:0/96, NAT64 (64:ff9b::/96), 6to4 (2002::/16) and Teredo, so
// neither a name that resolves inwards nor one that changes its mind gets through. Source: the IANA special-purpose registries.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct sockaddr;

namespace photogate::notifier {

class AddressGuard {
  public:
    /// `allowed`: CIDR blocks that are permitted although they are special (`127.0.0.0/8`, `10.1.2.0/24`, `::1/128`).
    static Result<AddressGuard> make(const std::vector<std::string>& allowed);
    AddressGuard() = default;
    bool permits(const sockaddr& address) const;

    struct Block {
        unsigned char address[16];
        int bits;
    };

  private:
    std::vector<Block> allowed_;
};

/// What a per-upload `callback_url` must be before it is stored: https (http only where a host is allowed so), a host, no user, no
/// fragment; a literal address in any spelling that a resolver takes (`127.1`, `0x7f000001`, circled digits) is judged by the
/// guard. Errors: invalid_callback_url, callback_address_blocked, callback_host_not_allowed.
struct CallbackUrlPolicy {
    std::vector<std::string> allowed_hosts;  ///< exact or `*.example.com`; empty: none, per-upload URLs are off
    std::vector<std::string> http_hosts;     ///< hosts that may be called without TLS
    AddressGuard guard;
};
Result<> check_callback_url(std::string_view url, const CallbackUrlPolicy& policy);

}  // namespace photogate::notifier
