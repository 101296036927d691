#include "gateway/routes/cors.hpp"

namespace photogate::gateway::routes {

using photogate::http::semantics::CorsRule;

std::shared_ptr<const CorsRule> cors_rule(const config::Server& server) {
    if (server.cors_origins.empty()) return nullptr;
    return std::make_shared<const CorsRule>(
        CorsRule{.origins = server.cors_origins,
                 .headers = {"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID",
                             "X-Request-Id", "traceparent", "tracestate"},
                 .exposed = {"ETag", "Location", "X-Request-Id", "Retry-After"},
                 .max_age = 7'200,
                 .credentials = server.cors_credentials});
}

}  // namespace photogate::gateway::routes
