// What the configuration says of HTTP, as a server takes it.
//
// Thread safety: a pure function.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gateway/access/client_places.hpp"
#include "gateway/config/config.hpp"
#include "gateway/http/server.hpp"

namespace photogate::gateway::system {

/// `connections`: as many as the process's descriptors allow each server. The observer outlives the server.
http::ServerOptions server_options(const config::Server& server, std::size_t connections,
                                   http::RequestObserver& observer);

http::Listener listener(const config::ListenAddress& address, http::Service& service,
                        std::vector<std::string> hosts);

/// `/metrics` and the operators' page: for loopback names, the hosts that are configured, and addresses.
http::Listener operations_listener(const config::Server& server, http::Service& service);

/// Where the process's descriptors allow fewer connections than configured, at most half of those may wait.
access::PlaceLimits wait_limits(const config::Server& server, std::size_t connections);

/// Of requests that send resumable uploads.
access::PlaceLimits transfer_limits(const config::Server& server);

}  // namespace photogate::gateway::system
