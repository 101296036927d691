#include "gateway/routes/waiting_client.hpp"

#include "gateway/http/client_address.hpp"
#include "gateway/routes/caller.hpp"

namespace photogate::gateway::routes {

access::PlaceClient waiting_client(const Api& api, const http::Request& request) {
    const auto& who = caller(request);
    access::PlaceClient client;
    if (const auto* app = who.app()) client.app = app->str();
    if (const auto* token = who.token()) client.token = token->id;
    const auto address = parse_ip_address(request.remote);
    if (address && !http::is_any_of(*address, api.config.server.trusted_proxies)) client.address = address;
    return client;
}

}  // namespace photogate::gateway::routes
