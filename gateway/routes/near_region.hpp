// The region that is near whoever will send the file of a new upload.
//
// A client token's request comes from the client itself. An app server asks on behalf of a client, whose address it may
// tell; its own says nothing.
//
// Thread safety: any thread.
#pragma once

#include <optional>
#include <string>

#include "gateway/http/message.hpp"
#include "gateway/routes/api.hpp"
#include "pipeline/grant.hpp"

namespace photogate::gateway::routes {

/// nullopt where nothing is known, or the request names its region.
std::optional<std::string> near_region(const Api& api, const http::Request& request,
                                       const pipeline::GrantRequest& wanted);

}  // namespace photogate::gateway::routes
