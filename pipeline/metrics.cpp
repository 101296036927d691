#include "pipeline/metrics.hpp"

namespace photogate::pipeline {

void watch(telemetry::Metrics& metrics, const Reconciler& reconciler) {
    const auto reaped = [](const char* result) {
        return telemetry::SeriesName{"photogate_leases_reaped_total",
                                     "Leases that ran out, by whether their job could begin anew.",
                                     {{"result", result}}};
    };
    metrics.before_render(
        [&reconciler,
         found = metrics.mirrored_counter(
             {"photogate_reconciler_found_total", "Files whose event was lost, found by looking.", {}}),
         expired = metrics.mirrored_counter(
             {"photogate_reconciler_expired_total", "Uploads that expired without a file.", {}}),
         failures = metrics.mirrored_counter(
             {"photogate_reconciler_failures_total", "Rounds that could not be finished.", {}}),
         requeued = metrics.mirrored_counter(reaped("requeued")),
         spent = metrics.mirrored_counter(reaped("spent"))]() mutable {
            const auto counters = reconciler.counters();
            found.show(counters.found);
            expired.show(counters.expired);
            failures.show(counters.failures);
            requeued.show(counters.requeued);
            spent.show(counters.spent);
        });
}

void watch(telemetry::Metrics& metrics, const OrphanCollector& collector) {
    const auto swept = [](const char* finding) {
        return telemetry::SeriesName{
            "photogate_sweep_objects_total",
            "Objects that a sweep received (lost) or had removed, by what they were.",
            {{"finding", finding}}};
    };
    metrics.before_render(
        [&collector, lost = metrics.mirrored_counter(swept("lost")),
         left_behind = metrics.mirrored_counter(swept("left_behind")),
         unreferenced = metrics.mirrored_counter(swept("unreferenced")),
         failures = metrics.mirrored_counter(
             {"photogate_sweep_failures_total", "Sweeps of a bucket that were broken off.", {}})]() mutable {
            const auto counters = collector.counters();
            lost.show(counters.lost);
            left_behind.show(counters.left_behind);
            unreferenced.show(counters.unreferenced);
            failures.show(counters.failures);
        });
}

void watch(telemetry::Metrics& metrics, const PartCollector& collector) {
    metrics.before_render(
        [&collector,
         uploads =
             metrics.mirrored_counter({"photogate_parts_aborted_uploads_total",
                                       "Multipart uploads that were abandoned and removed from the store.",
                                       {}}),
         bytes = metrics.mirrored_counter(
             {"photogate_parts_aborted_bytes_total", "Bytes of the parts that were removed so.", {}}),
         joined = metrics.mirrored_counter(
             {"photogate_parts_joined_total", "Multipart uploads whose client's last call was lost.", {}}),
         failures = metrics.mirrored_counter(
             {"photogate_parts_failures_total", "Looks at multipart uploads that failed.", {}})]() mutable {
            const auto counters = collector.counters();
            uploads.show(counters.uploads);
            bytes.show(counters.bytes);
            joined.show(counters.joined);
            failures.show(counters.failures);
        });
}

void watch(telemetry::Metrics& metrics, const QueuePoller& poller) {
    const telemetry::Labels source{{"source", poller.source()}};
    metrics.before_render(
        [&poller,
         pulled = metrics.mirrored_counter({"photogate_event_queue_messages_total",
                                            "Messages pulled from queues of store events.", source}),
         acknowledged =
             metrics.mirrored_counter({"photogate_event_queue_acknowledged_total",
                                       "Of them, those that were taken in and acknowledged.", source}),
         failures = metrics.mirrored_counter(
             {"photogate_event_queue_failures_total",
              "Looks at a queue that failed, or whose messages could not be kept.", source})]() mutable {
            const auto counters = poller.counters();
            pulled.show(counters.pulled);
            acknowledged.show(counters.acknowledged);
            failures.show(counters.failures);
        });
}

}  // namespace photogate::pipeline
