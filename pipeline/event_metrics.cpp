#include "pipeline/event_metrics.hpp"

#include <algorithm>
#include <vector>

namespace photogate::pipeline {
namespace {

const std::vector<double>& lag_buckets() {
    static const std::vector<double> buckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                             2.5,  5,     10,   30,  60,   300, 3'600};
    return buckets;
}

/// Never below zero: a store's clock may be ahead of ours.
double seconds_between(Timestamp from, Timestamp until) {
    return std::max(0.0, std::chrono::duration<double>(until - from).count());
}

void add(telemetry::Counter counter, std::size_t count) {
    counter.add(static_cast<double>(count));
}

}  // namespace

EventMetrics::EventMetrics(telemetry::Metrics& metrics, const notifier::events::Sources& sources)
    : metrics_(metrics),
      lag_(metrics.histogram(
          {"photogate_event_lag_seconds", "From what a store's event tells of until it is durable here.", {}},
          lag_buckets())) {
    by_source_.emplace("", series_of(""));
    for (const auto& [name, source] : sources.all())
        by_source_.emplace(name, series_of(name));
}

EventMetrics::Series EventMetrics::series_of(const std::string& source) {
    const auto counter = [&](const char* result) {
        return metrics_.counter({"photogate_events_received_total",
                                 "Records in store events, by source and by what became of them.",
                                 {{"result", result}, {"source", source}}});
    };
    return {counter("received"), counter("passed_over"), counter("unwanted"), counter("unproven"),
            counter("deferred"), counter("quarantined"), counter("attack"),   counter("unauthenticated")};
}

void EventMetrics::taken_in(const notifier::events::Source& source, const IntakeSummary& summary,
                            const Intake::ParsedBody& batch, Timestamp now) const {
    const auto found = by_source_.find(source.name);
    if (found == by_source_.end()) return;
    const auto& series = found->second;
    add(series.received, summary.received);
    add(series.attacks, summary.attacks);
    add(series.unwanted, summary.unwanted);
    add(series.unproven, summary.unproven);
    add(series.deferred, summary.deferred);
    add(series.quarantined, summary.quarantined);
    add(series.passed_over, summary.duplicate + summary.known + summary.unknown + summary.ignored);
    // `photogate doctor` reads them. Both labels are names of the configuration.
    for (const auto& region : summary.probed_regions)
        metrics_
            .counter({"photogate_event_probes_total",
                      "Store events about objects that a probe of the store wrote (start, hourly, doctor).",
                      {{"source", source.name}, {"region", region}}})
            .add();
    // What was taken in before says only how long ago that was.
    if (!batch || summary.received == 0) return;
    for (const auto& event : batch->events) {
        if (event.occurred_at) lag_.observe(seconds_between(*event.occurred_at, now));
    }
}

void EventMetrics::refused(const notifier::events::Source* source) const {
    const auto found = by_source_.find(source ? std::string_view{source->name} : std::string_view{});
    if (found == by_source_.end()) return;
    auto counter = found->second.unauthenticated;
    counter.add();
}

}  // namespace photogate::pipeline
