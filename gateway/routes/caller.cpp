#include "gateway/routes/caller.hpp"

#include <stdexcept>
#include <utility>

#include "gateway/access/api_key.hpp"

namespace photogate::gateway::routes {

const access::Principal& caller(const http::Request& request) {
    if (!request.principal) throw std::logic_error("a route that asks who calls has no check");
    return *request.principal;
}

std::optional<AppName> scope(const http::Request& request) {
    const auto& principal = caller(request);
    if (principal.is_operator()) return std::nullopt;
    if (const auto* app = principal.app()) return *app;
    throw std::logic_error("a route of apps and operators admits others");
}

Result<std::optional<AppName>> named_app(const http::Request& request, std::optional<std::string_view> named,
                                         ErrorCode malformed) {
    auto own = scope(request);
    if (!named) return own;
    auto app = parse_app_name(*named);
    if (!app) return fail(malformed, "'app' is not the name of an app");
    if (own && *own != *app) return fail(ErrorCode::forbidden, "'app' is another than the key's");
    return std::optional{std::move(*app)};
}

Result<std::optional<AppName>> listed_app(const http::Request& request) {
    return named_app(request, request.query_value("app"), ErrorCode::invalid_query);
}

void set_origin(const http::Request& request, pipeline::GrantRequest& grant) {
    grant.request_id = request.request_id;
    if (request.traceparent.empty()) return;
    grant.traceparent = request.traceparent;
    if (!request.tracestate.empty()) grant.tracestate = request.tracestate;
}

pipeline::uploads::Caller asking(const http::Request& request) {
    // The claims live in the principal, which the caller thus keeps.
    return {scope(request), {request.principal, caller(request).token()}};
}

}  // namespace photogate::gateway::routes
