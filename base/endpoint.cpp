#include "base/endpoint.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"

namespace photogate {

std::string Endpoint::host_header() const {
    const bool named = port && *port != (scheme == "https" ? 443 : 80);
    return named ? fmt::format("{}:{}", host, *port) : host;
}

std::string Endpoint::origin() const {
    return scheme + "://" + host_header();
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::invalid_field, fmt::format("'{}' is not an endpoint: {}", text, why));
    };
    Endpoint endpoint;
    std::string_view rest = text;
    for (std::string_view scheme : {"http", "https"}) {
        if (text.starts_with(scheme) && text.substr(scheme.size()).starts_with("://")) {
            endpoint.scheme = scheme;
            rest = text.substr(scheme.size() + 3);
        }
    }
    if (endpoint.scheme.empty()) return refuse("it must start with http:// or https://");
    if (rest.ends_with('/')) rest.remove_suffix(1);
    std::string_view host = rest, port;
    const bool literal = rest.starts_with('[');
    const auto colon = literal ? rest.find("]:") : rest.rfind(':');
    if (colon != std::string_view::npos) {
        host = rest.substr(0, literal ? colon + 1 : colon);
        port = rest.substr(colon + (literal ? 2 : 1));
        const auto number = ascii::parse_whole<std::uint16_t>(port);
        if (!number || *number == 0) return refuse("the port is 1 to 65535");
        endpoint.port = *number;
    }
    const auto allowed = [literal](char c) {
        return ascii::is_alphanumeric(c) || c == '-' || c == '.' || c == '_' ||
               (literal && (c == ':' || c == '[' || c == ']'));
    };
    if (host.empty() || host.size() > 255 || !std::all_of(host.begin(), host.end(), allowed) ||
        (literal && (!host.ends_with(']') || host.size() < 4))) {
        return refuse("it must be a host without a path");
    }
    endpoint.host = ascii::to_lower(host);
    return endpoint;
}

}  // namespace photogate
