#include "gateway/config/listen_address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/ascii.hpp"

namespace photogate::gateway::config {

bool ListenAddress::is_loopback() const {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool ListenAddress::is_anywhere() const {
    return host == "0.0.0.0" || host == "::";
}

Endpoint ListenAddress::own_endpoint() const {
    std::string name = host;
    if (name == "0.0.0.0" || name == "localhost") name = "127.0.0.1";
    if (name == "::") name = "::1";
    if (name.find(':') != std::string::npos) name = "[" + name + "]";
    return {"http", std::move(name), port};
}

std::string ListenAddress::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
    const auto refuse = [] {
        return fail(ErrorCode::invalid_field,
                    "an address to listen on is IP:PORT, [IPv6]:PORT or localhost:PORT");
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse();
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon + 1);
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto number = ascii::parse_whole<std::uint16_t>(port);
    if (!number) return refuse();
    ListenAddress address{std::string{host}, *number};
    in6_addr parsed{};
    const int family = bracketed ? AF_INET6 : AF_INET;
    if (address.host != "localhost" && ::inet_pton(family, address.host.c_str(), &parsed) != 1)
        return refuse();
    return address;
}

}  // namespace photogate::gateway::config
