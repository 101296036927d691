#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gateway/config/validate.hpp"

namespace photogate::gateway::config {
namespace {

bool listens_at(const Server& server, std::uint16_t port) {
    for (const auto& address : server.listen) {
        if (address.port == port || address.port == 0) return true;
    }
    return false;
}

}  // namespace

bool is_loopback(const Endpoint& endpoint) {
    return endpoint.host == "localhost" || endpoint.host == "[::1]" || endpoint.host.starts_with("127.");
}

bool listens_beyond_loopback(const Server& server) {
    return !std::all_of(server.listen.begin(), server.listen.end(),
                        [](const ListenAddress& address) { return address.is_loopback(); });
}

void check_server(const Server& server, Report& report) {
    if (server.listen.empty()) report.mistake("server.listen", "names no address");
    std::set<std::string> seen;
    for (const auto& address : server.listen) {
        if (address.port != 0 && !seen.insert(address.text()).second) {
            report.mistake("server.listen", fmt::format("names {} twice", address.text()));
        }
    }
    if (server.metrics_listen.port != 0 && seen.contains(server.metrics_listen.text())) {
        report.mistake("server.metrics_listen",
                       fmt::format("is {}, which server.listen has", server.metrics_listen.text()));
    }
    if (!server.metrics_listen.is_loopback()) {
        report.warning("server.metrics_listen", "is not loopback: everyone who reaches it sees the metrics");
    }
    bool any_origin = false;
    for (const auto& origin : server.cors_origins)
        any_origin = any_origin || origin == "*";
    if (any_origin && server.cors_origins.size() > 1)
        report.mistake("server.cors_origins", "has '*' beside others, which it includes");
    if (any_origin && server.cors_credentials == photogate::http::semantics::CorsCredentials::allowed) {
        report.mistake("server.cors_credentials",
                       "is 'allowed' for the origin '*': any page could act for its visitors");
    }
    if (server.public_url && is_loopback(*server.public_url) &&
        !listens_at(server, server.public_url->effective_port())) {
        report.warning("server.public_url",
                       fmt::format("is {}, and no server.listen has that port: its links lead nowhere, "
                                   "unless something else forwards them",
                                   server.public_url->origin()));
    }
    if (server.public_url && is_loopback(*server.public_url) && listens_beyond_loopback(server)) {
        report.warning(
            "server.public_url",
            "is loopback, but the server listens elsewhere: other machines can't follow its links");
    }
}

}  // namespace photogate::gateway::config
