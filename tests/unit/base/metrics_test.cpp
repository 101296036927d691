#include "base/telemetry/metrics.hpp"

#include <ctime>

#include <gtest/gtest.h>

namespace photogate::telemetry {
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
    // The kernel counts in hundredths of a second.
    while (std::clock() < CLOCKS_PER_SEC / 50) {
    }
    std::string text = metrics.render();
    EXPECT_NE(text.find("photogate_build_info{revision=\"abc\",version=\"1.2.3\"} 1"), std::string::npos)
        << text;
    for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                             "process_open_fds ", "process_start_time_seconds "}) {
        EXPECT_NE(text.find(std::string{"\n"} + name), std::string::npos) << name;
        EXPECT_EQ(text.find(std::string{"\n"} + name + "0\n"), std::string::npos) << name;
    }
}

TEST(Metrics, counts_only_the_rise_of_a_mirrored_count) {
    Metrics metrics;
    auto lines = metrics.mirrored_counter({"photogate_lines_total", "Lines.", {}});
    lines.show(5);
    lines.show(3);
    lines.show(7);
    EXPECT_NE(metrics.render().find("photogate_lines_total 7"), std::string::npos);
}

TEST(Metrics, shows_how_full_a_file_system_is) {
    Metrics metrics;
    watch_disk(metrics, "temporary", std::filesystem::temp_directory_path());
    watch_disk(metrics, "missing", "/no/such/folder");
    const auto text = metrics.render();
    EXPECT_NE(text.find("photogate_disk_used_ratio{place=\"temporary\"} 0."), std::string::npos) << text;
    EXPECT_NE(text.find("photogate_disk_used_ratio{place=\"missing\"} 0\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace photogate::telemetry
