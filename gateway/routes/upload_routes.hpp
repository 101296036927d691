// The routes of uploads, in five files: the hot path that creates one, the batch that creates many, the
// parts of large files, the events, and the rest.
#pragma once

#include "gateway/routes/api.hpp"

namespace photogate::gateway::routes {

/// `POST /v1/uploads`
void add_create_route(http::Router& router, const Api& api);
/// `POST /v1/uploads/batch`
void add_batch_route(http::Router& router, const Api& api);
/// `GET /v1/uploads/{id}/parts` and `POST /v1/uploads/{id}/parts/sign`
void add_part_routes(http::Router& router, const Api& api);
/// `GET /v1/uploads/{id}/events`
void add_upload_events(http::Router& router, const Api& api);
/// The callbacks' part of add_operator_routes().
void add_operator_callback_routes(http::Router& router, const Api& api);

}  // namespace photogate::gateway::routes
