#include "pipeline/resumable/metrics.hpp"

namespace photogate::pipeline::resumable {

void watch(telemetry::Metrics& metrics, const Collector& collector) {
    metrics.before_render(
        [&collector,
         assembled = metrics.mirrored_counter(
             {"photogate_resumable_assembled_total", "Objects that were made of the chunks of uploads.", {}}),
         bytes = metrics.mirrored_counter({"photogate_resumable_assembled_bytes_total", "Their bytes.", {}}),
         removed =
             metrics.mirrored_counter({"photogate_resumable_chunks_removed_total",
                                       "Chunks removed, because their upload has its object or has ended.",
                                       {}}),
         failures = metrics.mirrored_counter({"photogate_resumable_failures_total",
                                              "Looks at resumable uploads that failed.",
                                              {}})]() mutable {
            const auto counters = collector.counters();
            assembled.show(counters.assembled);
            bytes.show(counters.bytes);
            removed.show(counters.removed);
            failures.show(collector.failures());
        });
}

}  // namespace photogate::pipeline::resumable
