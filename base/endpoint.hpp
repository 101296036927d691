// Where an HTTP service answers: scheme, host and port, as a URL's origin has them (RFC 6454).
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
    /// The Host header: the port is named unless it is the scheme's own.
    std::string host_header() const;
    /// `http://127.0.0.1:9000`, without a trailing slash.
    std::string origin() const;
    bool operator==(const Endpoint&) const = default;
};

/// `http(s)://host[:port]` with an optional trailing slash; no user, path, query or fragment.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace photogate
