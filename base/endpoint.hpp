// The address of an HTTP service: scheme, host and port, like a URL's origin (RFC 6454).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace photogate {

struct Endpoint {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< lower case; an IPv6 literal keeps its brackets
    std::optional<std::uint16_t> port;

    std::uint16_t effective_port() const { return port.value_or(scheme == "https" ? 443 : 80); }
    /// The Host header: it contains the port unless it is the scheme's default.
    std::string host_header() const;
    /// `http://127.0.0.1:9000`, without a trailing slash.
    std::string origin() const;
    bool operator==(const Endpoint&) const = default;
};

/// `http(s)://host[:port]` with an optional trailing slash; no user, path, query or fragment.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace photogate
