// Which pages may call the REST API: the rule of `server.cors_origins` and `server.cors_credentials`.
//
// Thread safety: pure.
#pragma once

#include <memory>

#include "gateway/config/config.hpp"
#include "http/semantics/cors.hpp"

namespace photogate::gateway::routes {

/// Null: no page may call.
std::shared_ptr<const photogate::http::semantics::CorsRule> cors_rule(const config::Server& server);

}  // namespace photogate::gateway::routes
