#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "notifier/callbacks/host_spelling.hpp"

namespace photogate::notifier::callbacks {
namespace {

constexpr std::size_t kLongestUrl = 2'048;

enum class Scheme { http, https };

struct Parts {
    Scheme scheme = Scheme::https;
    std::string_view host;  ///< as written, an IPv6 literal with its brackets
    std::optional<std::uint16_t> port;
    std::string_view rest;  ///< path and query
};

tl::unexpected<Error> invalid(std::string_view why) {
    return fail(ErrorCode::invalid_callback_url, fmt::format("callback_url is not acceptable: {}", why));
}

bool is_hex(char c) {
    return ascii::hex_value(c) >= 0;
}

Result<Parts> split(std::string_view url) {
    Parts parts;
    if (url.empty() || url.size() > kLongestUrl)
        return invalid(fmt::format("it has 1 to {} bytes", kLongestUrl));
    if (ascii::to_lower(url.substr(0, 8)) == "https://") {
        url.remove_prefix(8);
    } else if (ascii::to_lower(url.substr(0, 7)) == "http://") {
        parts.scheme = Scheme::http;
        url.remove_prefix(7);
    } else {
        return invalid("it starts with https://, unless an operator names its host in callbacks.http_hosts");
    }
    const auto end = url.find_first_of("/?#\\");
    auto authority = url.substr(0, end);
    parts.rest = end == std::string_view::npos ? std::string_view{} : url.substr(end);
    if (authority.find('@') != std::string_view::npos) return invalid("it names no user");
    const auto colon = authority.starts_with('[') ? authority.find("]:") : authority.rfind(':');
    if (colon != std::string_view::npos) {
        const auto at = authority.starts_with('[') ? colon + 1 : colon;
        const auto digits = authority.substr(at + 1);
        const auto port = ascii::parse_whole<std::uint16_t>(digits);
        if (!port || *port == 0 || digits.front() == '0') {
            return invalid("a port is 1 to 65535");
        }
        parts.port = port;
        authority = authority.substr(0, at);
    }
    if (authority.empty()) return invalid("it names a host");
    parts.host = authority;
    return parts;
}

/// RFC 3986: path and query of pchar, "/" and "?", every "%" with two hex digits.
Result<> check_rest(std::string_view rest) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (c == '#') return invalid("it has no fragment");
        if (c == '%') {
            if (i + 2 >= rest.size() || !is_hex(rest[i + 1]) || !is_hex(rest[i + 2]))
                return invalid("a % stands before two hex digits");
        } else if (!ascii::is_letter(c) && !ascii::is_digit(c) &&
                   std::string_view{"-._~!$&'()*+,;=:@/?"}.find(c) == std::string_view::npos) {
            return invalid("a character in its path or query must be percent-encoded");
        }
    }
    return {};
}

/// A DNS name in ASCII (RFC 1123), or an address in its plain spelling. Underscores are no host name's, but the
/// names that container networks give their services have them, and every resolver takes them.
Result<> check_host(std::string_view host) {
    if (host.starts_with('[')) {
        if (!host.ends_with(']') || !is_plain_address(std::string{host.substr(1, host.size() - 2)})) {
            return invalid("what stands in brackets is an IPv6 address without a zone");
        }
        return {};
    }
    if (host.size() > 253) return invalid("its host is too long");
    std::size_t label = 0;
    for (std::size_t i = 0; i <= host.size(); ++i) {
        if (i == host.size() || host[i] == '.') {
            if (i == label || i - label > 63 || host[label] == '-' || host[i - 1] == '-')
                return invalid("its host is not a DNS name");
            label = i + 1;
        } else if (!ascii::is_letter(host[i]) && !ascii::is_digit(host[i]) && host[i] != '-' &&
                   host[i] != '_') {
            return invalid("its host is not a DNS name; write international names as xn--…");
        }
    }
    if (ends_in_number(ascii::to_lower(host)) && !is_plain_address(std::string{host})) {
        return invalid("an IPv4 address is written as four decimal numbers");
    }
    return {};
}

struct Listed {
    std::string_view host;
    std::string_view port;
};

Listed split_entry(std::string_view entry) {
    const auto colon = entry.starts_with('[') ? entry.find("]:") : entry.rfind(':');
    if (colon == std::string_view::npos) return {entry, {}};
    const auto at = entry.starts_with('[') ? colon + 1 : colon;
    return {entry.substr(0, at), entry.substr(at + 1)};
}

bool host_matches(std::string_view entry, const std::string& host) {
    const auto wanted = ascii::to_lower(entry);
    if (wanted.starts_with("*.")) {
        const auto suffix = std::string_view{wanted}.substr(1);
        return host.size() > suffix.size() && host.ends_with(suffix);
    }
    return wanted == host;
}

bool entry_matches(std::string_view entry, const std::string& host, const Parts& parts) {
    const auto listed = split_entry(entry);
    if (!host_matches(listed.host, host)) return false;
    const std::uint16_t own = parts.scheme == Scheme::https ? 443 : 80;
    const auto port = parts.port.value_or(own);
    if (listed.port == "*") return true;
    return listed.port.empty() ? port == own : listed.port == fmt::format("{}", port);
}

}  // namespace

Result<> check_callback_url(std::string_view url, const CallbackUrlPolicy& policy) {
    const auto parts = split(url);
    if (!parts) return fail(parts.error());

    // First, so that an attempt to reach the internal network is reported and counted as one.
    if (const auto plain = plain_host(parts->host)) {
        const auto address = address_of(*plain);
        if (address && !policy.guard.permits(*address)) {
            return fail(
                ErrorCode::callback_address_blocked,
                "callback_url leads to an address that is not public; to call it, an operator names it in "
                "callbacks.allowed_networks, its host in callbacks.allowed_hosts, and in "
                "callbacks.http_hosts if it has no TLS");
        }
    }
    if (const auto host = check_host(parts->host); !host) return host;
    if (const auto rest = check_rest(parts->rest); !rest) return rest;

    const auto host = ascii::to_lower(parts->host);
    const auto listed = [&](const std::string& entry) { return entry_matches(entry, host, *parts); };
    if (parts->scheme == Scheme::http &&
        std::none_of(policy.http_hosts.begin(), policy.http_hosts.end(),
                     [&](const std::string& entry) { return host_matches(split_entry(entry).host, host); })) {
        return invalid("it starts with https://");
    }
    if (std::none_of(policy.allowed_hosts.begin(), policy.allowed_hosts.end(), listed)) {
        return fail(
            ErrorCode::callback_host_not_allowed,
            "callback_url names a host that is not in callbacks.allowed_hosts; a private address needs "
            "callbacks.allowed_networks too, and a host without TLS callbacks.http_hosts");
    }
    return {};
}

}  // namespace photogate::notifier::callbacks
