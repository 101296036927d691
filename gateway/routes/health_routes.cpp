#include <utility>

#include "base/version.hpp"
#include "gateway/routes/api.hpp"

namespace photogate::gateway::routes {

using http::Request;
using http::Response;

void add_health_routes(http::Router& router, std::function<Readiness()> readiness, http::WorkPool& pool) {
    router.add({http::Method::get,
                "/livez",
                http::answer_with([](Request&) -> Result<Response> { return Response::text(200, "ok\n"); }),
                0,
                {},
                ""});
    const auto ready =
        http::answer_on(pool, [readiness = std::move(readiness)](Request& request) -> Result<Response> {
            const auto now = readiness();
            const int status = now.state ? 200 : 503;
            if (request.query_value("verbose")) return Response::json(status, now.detail_json);
            return Response::text(status,
                                  now.state ? "ready\n" : "not ready: " + now.state.error().detail + "\n");
        });
    router.add({http::Method::get, "/readyz", ready, 0, {}, ""});
    router.add({http::Method::get,
                "/version",
                http::answer_with([](Request&) -> Result<Response> {
                    return Response::text(200, std::string{"photogate "} + kVersion + "\n");
                }),
                0,
                {},
                ""});
}

void add_metrics_route(http::Router& router, telemetry::Metrics& metrics, http::WorkPool& pool) {
    router.add({http::Method::get,
                "/metrics",
                http::answer_on(pool,
                                [&metrics](Request&) -> Result<Response> {
                                    auto response = Response::text(200, metrics.render());
                                    response.set("Content-Type", telemetry::metrics_content_type);
                                    return response;
                                }),
                0,
                {},
                ""});
}

}  // namespace photogate::gateway::routes
