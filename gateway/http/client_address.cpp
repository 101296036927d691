#include "gateway/http/client_address.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace photogate::gateway::http {

namespace {

/// Some proxies write the port: `192.0.2.7:4711`, `[2001:db8::7]:4711`.
std::optional<IpAddress> parse_item(std::string_view item) {
    item = trim(item);
    if (item.starts_with('[')) {
        const std::size_t end = item.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        return parse_ip_address(item.substr(1, end - 1));
    }
    const std::size_t colon = item.find(':');
    if (colon != std::string_view::npos && colon == item.rfind(':')) item = item.substr(0, colon);
    return parse_ip_address(item);
}

}  // namespace

bool is_any_of(const IpAddress& address, const std::vector<IpBlock>& blocks) {
    return std::any_of(blocks.begin(), blocks.end(),
                       [&](const IpBlock& block) { return block.contains(address); });
}

IpAddress client_address(const IpAddress& peer, const RequestHeaders& headers,
                         const std::vector<IpBlock>& trusted) {
    IpAddress nearest = peer;
    if (!is_any_of(nearest, trusted)) return nearest;
    std::vector<std::string_view> lines = headers.all("X-Forwarded-For");
    while (!lines.empty()) {
        const std::string_view line = lines.back();
        const std::size_t comma = line.rfind(',');
        const auto before = parse_item(comma == std::string_view::npos ? line : line.substr(comma + 1));
        if (!before) return nearest;
        nearest = *before;
        if (!is_any_of(nearest, trusted)) return nearest;
        if (comma == std::string_view::npos) {
            lines.pop_back();
        } else {
            lines.back() = line.substr(0, comma);
        }
    }
    return nearest;
}

}  // namespace photogate::gateway::http
