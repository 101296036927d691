#include "base/telemetry/metrics.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/ascii.hpp"
#include "base/log_stats.hpp"
#include "base/telemetry/exemplars.hpp"
#include "base/telemetry/open_metrics.hpp"
#include "base/telemetry/process_stats.hpp"

namespace photogate::telemetry {

struct Metrics::State {
    prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
    std::mutex mutex;
    std::vector<std::function<void()>> refreshers;
    ExemplarsOfSeries exemplars;
};

void Counter::add(double by) {
    static_cast<prometheus::Counter*>(series_)->Increment(by);
}
void Gauge::set(double value) {
    static_cast<prometheus::Gauge*>(series_)->Set(value);
}
void Gauge::add(double by) {
    static_cast<prometheus::Gauge*>(series_)->Increment(by);
}
void Histogram::observe(double value, std::string_view trace_id) {
    static_cast<prometheus::Histogram*>(series_)->Observe(value);
    if (!trace_id.empty()) exemplars_->keep(value, trace_id);
}

const std::vector<double>& request_buckets() {
    static const std::vector<double> buckets{.005, .01, .025, .05, .075, .1,  .25,
                                             .5,   .75, 1,    2.5, 5,    7.5, 10};
    return buckets;
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const SeriesName& series) {
    auto& family = prometheus::BuildCounter().Name(series.name).Help(series.help).Register(state_->registry);
    return Counter{&family.Add(series.labels)};
}

Gauge Metrics::gauge(const SeriesName& series) {
    auto& family = prometheus::BuildGauge().Name(series.name).Help(series.help).Register(state_->registry);
    return Gauge{&family.Add(series.labels)};
}

Histogram Metrics::histogram(const SeriesName& series, const std::vector<double>& buckets) {
    auto& family =
        prometheus::BuildHistogram().Name(series.name).Help(series.help).Register(state_->registry);
    auto& added = family.Add(series.labels, buckets);
    const std::lock_guard lock(state_->mutex);
    auto& exemplars = state_->exemplars[{series.name, series.labels}];
    if (!exemplars) exemplars = std::make_unique<Exemplars>(buckets);
    return Histogram{&added, exemplars.get()};
}

void Metrics::before_render(std::function<void()> refresh) {
    std::lock_guard lock(state_->mutex);
    state_->refreshers.push_back(std::move(refresh));
}

void Metrics::add_process_metrics(std::string_view version, std::string_view revision) {
    gauge({"photogate_build_info",
           "The version that runs; always 1.",
           {{"version", std::string{version}}, {"revision", std::string{revision}}}})
        .set(1);
    gauge({"process_start_time_seconds", "When the process started, in seconds since 1970.", {}})
        .set(read_process_stats().start_time_seconds);
    Counter cpu = counter({"process_cpu_seconds_total", "CPU time, user and system.", {}});
    Gauge resident = gauge({"process_resident_memory_bytes", "Resident memory.", {}});
    Gauge virtual_size = gauge({"process_virtual_memory_bytes", "Virtual memory.", {}});
    Gauge open_fds = gauge({"process_open_fds", "Open file descriptors.", {}});
    Gauge max_fds = gauge({"process_max_fds", "File descriptors that may be open.", {}});
    Gauge threads = gauge({"process_threads", "Threads.", {}});
    before_render([unread = mirrored_counter({"photogate_log_lines_dropped_total",
                                              "Log lines dropped because standard error was not read.",
                                              {}})]() mutable { unread.show(log::dropped()); });
    before_render([=, counted = 0.0]() mutable {
        ProcessStats stats = read_process_stats();
        if (stats.cpu_seconds > counted) cpu.add(stats.cpu_seconds - counted);
        counted = stats.cpu_seconds;
        resident.set(stats.resident_bytes);
        virtual_size.set(stats.virtual_bytes);
        open_fds.set(stats.open_fds);
        max_fds.set(stats.max_fds);
        threads.set(stats.threads);
    });
}

std::string Metrics::render(Format format) {
    {
        std::lock_guard lock(state_->mutex);
        for (const std::function<void()>& refresh : state_->refreshers)
            refresh();
    }
    const auto families = state_->registry.Collect();
    if (format == Format::text) return prometheus::TextSerializer{}.Serialize(families);
    std::lock_guard lock(state_->mutex);
    return open_metrics(families, state_->exemplars);
}

Format format_for(std::string_view accept) {
    constexpr std::string_view name = "application/openmetrics-text";
    double wanted = 0;
    double other = 0;
    while (!accept.empty()) {
        const auto comma = accept.find(',');
        auto item = accept.substr(0, comma);
        accept.remove_prefix(comma == std::string_view::npos ? accept.size() : comma + 1);
        while (item.starts_with(' '))
            item.remove_prefix(1);
        double weight = 1;
        if (const auto q = item.find("q="); q != std::string_view::npos) {
            const std::string text{item.substr(q + 2)};
            weight = std::strtod(text.c_str(), nullptr);
        }
        auto type = item.substr(0, item.find(';'));
        while (type.ends_with(' '))
            type.remove_suffix(1);
        if (ascii::equals_ignoring_case(type, name))
            wanted = std::max(wanted, weight);
        else if (ascii::equals_ignoring_case(type, "text/plain"))
            other = std::max(other, weight);
    }
    return wanted > 0 && wanted >= other ? Format::open_metrics : Format::text;
}

std::string_view content_type(Format format) {
    return format == Format::text ? "text/plain; version=0.0.4; charset=utf-8"
                                  : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

void watch_disk(Metrics& metrics, const std::string& place, const std::filesystem::path& folder) {
    metrics.before_render(
        [folder, used = metrics.gauge({"photogate_disk_used_ratio",
                                       "Share of the file system in use, by what photogate keeps on it.",
                                       {{"place", place}}})]() mutable {
            std::error_code unreadable;
            const auto space = std::filesystem::space(folder, unreadable);
            if (unreadable || space.capacity == 0) return;
            used.set(1.0 - static_cast<double>(space.available) / static_cast<double>(space.capacity));
        });
}

}  // namespace photogate::telemetry
