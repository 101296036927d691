#include "gateway/system/server_options.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "gateway/access/principal.hpp"

namespace photogate::gateway::system {
http::ServerOptions server_options(const config::Server& server, std::size_t connections,
                                   http::RequestObserver& observer) {
    http::ServerOptions options;
    options.threads = server.io_threads;
    options.limits.head.bytes = server.max_header;
    options.limits.body = server.max_body;
    options.limits.head_deadline = server.header_timeout;
    options.limits.body_deadline = server.body_timeout;
    options.limits.idle = server.idle_timeout;
    options.limits.write_stall = server.write_timeout;
    options.limits.requests_per_connection = static_cast<std::uint32_t>(server.max_requests_per_connection);
    options.limits.connections = connections;
    options.limits.connections_per_address = server.max_connections_per_address;
    options.trusted_proxies = server.trusted_proxies;
    options.access_log = server.access_log;
    options.observer = &observer;
    // A client token is in a stranger's hands; a store, too, may send what it was sent.
    options.trusts_trace = [](const http::PrincipalPtr& caller) {
        return caller && (caller->is_operator() || std::holds_alternative<access::AppServer>(caller->who));
    };
    // A `type` is a working link for every reader of the problem, wherever it was forwarded to.
    if (server.public_url) options.docs_base = server.public_url->origin() + options.docs_base;
    return options;
}

http::Listener listener(const config::ListenAddress& address, http::Service& service,
                        std::vector<std::string> hosts) {
    return {address.host == "localhost" ? "127.0.0.1" : address.host, address.port, &service,
            std::move(hosts)};
}

http::Listener operations_listener(const config::Server& server, http::Service& service) {
    std::vector<std::string> hosts{"localhost"};
    for (const auto* named : {&server.metrics_hosts, &server.allowed_hosts})
        hosts.insert(hosts.end(), named->begin(), named->end());
    auto made = listener(server.metrics_listen, service, std::move(hosts));
    made.addresses = server.metrics_listen.is_loopback() ? http::Listener::Addresses::loopback
                                                         : http::Listener::Addresses::all;
    return made;
}

access::PlaceLimits wait_limits(const config::Server& server, std::size_t connections) {
    const std::size_t most = connections < server.max_connections ? (connections + 1) / 2 : server.max_waits;
    return {.all = std::min(server.max_waits, most),
            .per_app = server.max_waits_per_app,
            .per_token = server.max_waits_per_token,
            .per_address = server.max_waits_per_address};
}

access::PlaceLimits transfer_limits(const config::Server& server) {
    return {.per_token = server.max_transfers_per_token, .per_address = server.max_transfers_per_address};
}

}  // namespace photogate::gateway::system
