#include "gateway/http/http_metrics.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

TEST(HttpMetrics, counts_requests_by_method_route_and_status) {
    telemetry::Metrics metrics;
    HttpMetrics http(metrics);
    for (int i = 0; i < 3; ++i) {
        http.on_request({.method = "GET",
                         .route = "/i/{id}",
                         .status = 200,
                         .duration = std::chrono::duration<double>{0.02}});
    }
    std::string text = metrics.render();
    EXPECT_NE(text.find("http_server_request_duration_seconds_count{http_request_method=\"GET\",http_"
                        "response_status_code=\"200\",http_route=\"/i/{id}\"} 3"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("le=\"0.01\"} 0"), std::string::npos);
    EXPECT_NE(text.find("le=\"0.025\"} 3"), std::string::npos);
}

}  // namespace
}  // namespace photogate::gateway::http
