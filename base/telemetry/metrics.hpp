// Counters, gauges and histograms by name, and their text, as Prometheus or OpenMetrics has it.
//
// Each module owns its series: what counts something asks Metrics for them, and a module's metrics.hpp has
// watch() for figures that are read at each scrape.
//
// Ask for a series once and keep the handle: looking it up takes a lock, counting does not. Labels are few
// and bounded (a route's pattern, never a path; never an app or a key). The same name with the same labels is
// the same series.
//
// Thread safety: everything. Handles live as long as the Metrics.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::telemetry {

using Labels = std::map<std::string, std::string>;

class Counter {
  public:
    void add(double by = 1.0);

  private:
    friend class Metrics;
    explicit Counter(void* series) : series_(series) {}
    void* series_;
};

/// A counter whose count is kept elsewhere and only grows. Thread safety: none; show() is for
/// before_render().
class MirroredCounter {
  public:
    explicit MirroredCounter(Counter counter) : counter_(counter) {}
    void show(std::uint64_t total) {
        if (total > shown_) counter_.add(static_cast<double>(total - shown_));
        shown_ = std::max(total, shown_);
    }

  private:
    Counter counter_;
    std::uint64_t shown_ = 0;
};

class Gauge {
  public:
    void set(double value);
    void add(double by);

  private:
    friend class Metrics;
    explicit Gauge(void* series) : series_(series) {}
    void* series_;
};

class Exemplars;

class Histogram {
  public:
    /// `trace_id`, in hex: of the trace that the value comes from, where it is recorded; it is then the exemplar of its
    /// bucket.
    void observe(double value, std::string_view trace_id = {});

  private:
    friend class Metrics;
    Histogram(void* series, Exemplars* exemplars) : series_(series), exemplars_(exemplars) {}
    void* series_;
    Exemplars* exemplars_;
};

/// The semantic conventions' buckets for a request, in seconds.
const std::vector<double>& request_buckets();

/// A series' name, help text and labels. A counter's name ends in `_total`, a duration's in
/// `_seconds`.
struct SeriesName {
    std::string name;
    std::string help;
    Labels labels;
};

/// Text exposition format 0.0.4, or OpenMetrics 1.0.0, which alone has exemplars.
enum class Format { text, open_metrics };
/// By the Accept field of a request: OpenMetrics where it is named and nothing else is preferred.
Format format_for(std::string_view accept);
std::string_view content_type(Format format);

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// A name that Prometheus does not know, or one used for another type, is a mistake in the program:
    /// std::exception.
    Counter counter(const SeriesName& series);
    Gauge gauge(const SeriesName& series);
    Histogram histogram(const SeriesName& series, const std::vector<double>& buckets);
    MirroredCounter mirrored_counter(const SeriesName& series) { return MirroredCounter{counter(series)}; }

    /// Called before each rendering, for gauges that are read rather than kept: depths, pools, connections.
    void before_render(std::function<void()> refresh);
    /// `process_*` of this process, `photogate_build_info` and `photogate_log_lines_dropped_total`.
    void add_process_metrics(std::string_view version, std::string_view revision);

    std::string render(Format format = Format::text);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// `photogate_disk_used_ratio{place}`: the share of the file system of `folder` in use. `place` says what is
/// kept there.
void watch_disk(Metrics& metrics, const std::string& place, const std::filesystem::path& folder);

/// The unit of every duration.
template <class Representation, class Period>
double seconds(std::chrono::duration<Representation, Period> time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace photogate::telemetry
