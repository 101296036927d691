// An address that the server listens on.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/result.hpp"

namespace photogate::gateway::config {

struct ListenAddress {
    std::string host;        ///< an IP literal without brackets, or `localhost`
    std::uint16_t port = 0;  ///< 0: any free port

    bool is_loopback() const;
    bool is_anywhere() const;  ///< `0.0.0.0` or `[::]`
    /// `http://127.0.0.1:9000`: what this very machine reaches a listener by.
    Endpoint own_endpoint() const;
    std::string text() const;  ///< `127.0.0.1:8080`, `[::1]:8080`
    bool operator==(const ListenAddress&) const = default;
};

/// `IP:PORT`, `[IPv6]:PORT` or `localhost:PORT`.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace photogate::gateway::config
