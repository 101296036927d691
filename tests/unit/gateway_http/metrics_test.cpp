#include "gateway/http/metrics.hpp"

#include <gtest/gtest.h>

#include "gateway/http/http_metrics.hpp"

namespace photogate::gateway::http {
namespace {

TEST(Metrics, returns_same_series_for_same_name_and_labels) {
    Metrics metrics;
    Counter a = metrics.counter({"photogate_things_total", "Things.", {{"kind", "x"}}});
    Counter b = metrics.counter({"photogate_things_total", "Things.", {{"kind", "x"}}});
    a.add();
    b.add(2);
    metrics.gauge({"photogate_depth", "Depth.", {}}).set(4);
    std::string text = metrics.render();
    EXPECT_NE(text.find("photogate_things_total{kind=\"x\"} 3"), std::string::npos) << text;
    EXPECT_NE(text.find("# TYPE photogate_things_total counter"), std::string::npos);
    EXPECT_NE(text.find("photogate_depth 4"), std::string::npos);
}

TEST(Metrics, reads_gauges_on_scrape) {
    Metrics metrics;
    int depth = 1;
    Gauge gauge = metrics.gauge({"photogate_depth", "Depth.", {}});
    metrics.before_render([&, gauge]() mutable { gauge.set(depth); });
    EXPECT_NE(metrics.render().find("photogate_depth 1"), std::string::npos);
    depth = 5;
    EXPECT_NE(metrics.render().find("photogate_depth 5"), std::string::npos);
}

TEST(Metrics, describes_the_process) {
    Metrics metrics;
    metrics.add_process_metrics("1.2.3", "abc");
    std::string text = metrics.render();
    EXPECT_NE(text.find("photogate_build_info{revision=\"abc\",version=\"1.2.3\"} 1"), std::string::npos)
        << text;
    for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                             "process_open_fds ", "process_start_time_seconds "}) {
        EXPECT_NE(text.find(std::string{"\n"} + name), std::string::npos) << name;
        EXPECT_EQ(text.find(std::string{"\n"} + name + "0\n"), std::string::npos) << name;
    }
}

TEST(HttpMetrics, counts_requests_by_method_route_and_status) {
    Metrics metrics;
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
