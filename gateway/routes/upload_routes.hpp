// The routes of uploads, in two files: the hot path that creates them, and the rest.
#pragma once

#include "gateway/routes/api.hpp"

namespace photogate::gateway::routes {

/// `POST /v1/uploads`
void add_create_route(http::Router& router, const Api& api);
/// The callbacks' part of add_operator_routes().
void add_operator_callback_routes(http::Router& router, const Api& api);

}  // namespace photogate::gateway::routes
