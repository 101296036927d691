#include <string>

#include <gtest/gtest.h>

#include "base/telemetry/metrics.hpp"

namespace photogate::telemetry {
namespace {

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";

TEST(OpenMetrics, is_what_prometheus_asks_for) {
    EXPECT_EQ(
        format_for(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
        Format::open_metrics);
    EXPECT_EQ(format_for("application/openmetrics-text; version=1.0.0; charset=utf-8"), Format::open_metrics);
    EXPECT_EQ(format_for(""), Format::text);
    EXPECT_EQ(format_for("*/*"), Format::text);
    EXPECT_EQ(format_for("text/plain;version=0.0.4"), Format::text);
    EXPECT_EQ(format_for("text/plain, application/openmetrics-text;q=0.5"), Format::text);
    EXPECT_EQ(format_for("application/openmetrics-text;q=0"), Format::text);
}

TEST(OpenMetrics, names_families_and_units_and_the_end) {
    Metrics metrics;
    metrics.counter({"photogate_cpu_seconds_total", "A \"word\"\\.", {{"kind", "a\"b\\c\nd"}}}).add(2.5);
    metrics.gauge({"photogate_depth", "Depth.", {}}).set(4);
    const auto text = metrics.render(Format::open_metrics);
    EXPECT_NE(text.find("# TYPE photogate_cpu_seconds counter\n# UNIT photogate_cpu_seconds seconds\n"
                        "# HELP photogate_cpu_seconds A \\\"word\\\"\\\\.\n"
                        "photogate_cpu_seconds_total{kind=\"a\\\"b\\\\c\\nd\"} 2.5\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("# TYPE photogate_depth gauge\n# HELP photogate_depth Depth.\nphotogate_depth 4\n"),
              std::string::npos)
        << text;
    EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(OpenMetrics, shows_the_newest_exemplar_of_each_bucket) {
    Metrics metrics;
    auto wait = metrics.histogram({"photogate_wait_seconds", "Wait.", {{"lane", "cpu"}}}, {0.5, 1, 10});
    wait.observe(0.2);
    wait.observe(0.7, "00000000000000000000000000000001");
    wait.observe(1, kTrace);  // a bound belongs to its bucket
    wait.observe(99, kTrace);
    const auto text = metrics.render(Format::open_metrics);
    EXPECT_NE(text.find("photogate_wait_seconds_bucket{lane=\"cpu\",le=\"0.5\"} 1\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("photogate_wait_seconds_bucket{lane=\"cpu\",le=\"1.0\"} 3 # {trace_id=\"" + kTrace +
                        "\"} 1 "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("photogate_wait_seconds_bucket{lane=\"cpu\",le=\"10.0\"} 3\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("photogate_wait_seconds_bucket{lane=\"cpu\",le=\"+Inf\"} 4 # {trace_id=\"" + kTrace +
                        "\"} 99 "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("photogate_wait_seconds_count{lane=\"cpu\"} 4\n"), std::string::npos) << text;
    EXPECT_EQ(metrics.render().find("trace_id"), std::string::npos);
}

}  // namespace
}  // namespace photogate::telemetry
