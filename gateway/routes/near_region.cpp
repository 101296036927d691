#include "gateway/routes/near_region.hpp"

#include "gateway/routes/caller.hpp"

namespace photogate::gateway::routes {

std::optional<std::string> near_region(const Api& api, const http::Request& request,
                                       const pipeline::GrantRequest& wanted) {
    if (wanted.region) return std::nullopt;
    if (caller(request).token() != nullptr) return api.regions.near(request);
    return wanted.client_address ? api.regions.near(*wanted.client_address) : std::nullopt;
}

}  // namespace photogate::gateway::routes
