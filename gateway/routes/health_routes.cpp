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
                "",
                http::BodyBound::server,
                http::Traced::no});
    const auto ready =
        http::answer_on(pool, [readiness = std::move(readiness)](Request& request) -> Result<Response> {
            const auto now = readiness();
            const int status = now.state ? 200 : 503;
            if (request.query_value("verbose")) return Response::json(status, now.detail_json);
            return Response::text(status,
                                  now.state ? "ready\n" : "not ready: " + now.state.error().detail + "\n");
        });
    router.add({http::Method::get, "/readyz", ready, 0, {}, "", http::BodyBound::server, http::Traced::no});
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
                                [&metrics](Request& request) -> Result<Response> {
                                    const auto accept = request.headers.find("Accept").value_or("");
                                    const auto format = telemetry::format_for(accept);
                                    auto response = Response::text(200, metrics.render(format));
                                    response.set("Content-Type", telemetry::content_type(format));
                                    response.set("Vary", "Accept");
                                    return response;
                                }),
                0,
                {},
                "",
                http::BodyBound::server,
                http::Traced::no});
}

}  // namespace photogate::gateway::routes
