// What a resolver makes of a host as it is spelled: the address behind `0x7f.1`, `①②⑦.0.0.1`, `%6c%6f…` or
// `localhost.`.
//
// For finding what hides, not for connecting: it folds more than any one resolver does. Thread safety: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.hpp"

namespace photogate::notifier::callbacks {

/// The host in the plainest form that any resolver might read it as: percent-decoded, compatibility
/// characters folded to ASCII, lower case, without a trailing full stop, brackets or zone. nullopt where no
/// resolver would take it.
std::optional<std::string> plain_host(std::string_view host);

/// The address that a plain host names without asking anybody: inet_aton's forms (one to four numbers,
/// decimal, octal or hex), IPv6, and the names of loopback and of cloud metadata services.
std::optional<IpAddress> address_of(const std::string& plain);

/// Four decimal numbers without leading zeros, or IPv6 in hex: the spellings that every program reads alike.
bool is_plain_address(const std::string& host);

/// Whether the last label is a number, so that the whole is an IPv4 address or nothing (WHATWG URL, "ends in
/// a number").
bool ends_in_number(std::string_view plain);

}  // namespace photogate::notifier::callbacks
