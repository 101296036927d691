#include "delivery/metrics.hpp"

#include <utility>

namespace photogate::delivery {

void watch(telemetry::Metrics& metrics, const PublishedImages& images, const ByteBudget& budget) {
    metrics.before_render(
        [&images, &budget,
         buffered =
             metrics.gauge({"photogate_image_buffer_bytes", "Memory of images on their way to readers.", {}}),
         refused = metrics.mirrored_counter(
             {"photogate_images_refused_total", "Images that were refused for want of that memory.", {}}),
         changed = metrics.mirrored_counter(
             {"photogate_images_changed_total",
              "Images that were not served because another object lies in their place.",
              {}})]() mutable {
            const auto counts = budget.counts();
            buffered.set(static_cast<double>(counts.taken));
            refused.show(counts.refused);
            changed.show(images.changed());
        });
}

void watch(telemetry::Metrics& metrics, const VersionMaker& maker) {
    const auto ended = [](const char* result) {
        return telemetry::SeriesName{
            "photogate_versions_total",
            "Versions of images that were asked for and not there, by what became of them.",
            {{"result", result}}};
    };
    metrics.before_render(
        [&maker, made = metrics.mirrored_counter(ended("made")),
         failed = metrics.mirrored_counter(ended("failed")),
         dropped = metrics.mirrored_counter(ended("dropped")),
         refused = metrics.mirrored_counter({"photogate_version_requests_refused_total",
                                             "Requests for versions that were refused for want of room.",
                                             {}}),
         timed_out = metrics.mirrored_counter({"photogate_version_requests_timed_out_total",
                                               "Requests for versions that were answered before it was made.",
                                               {}}),
         left = metrics.mirrored_counter({"photogate_version_requests_left_total",
                                          "Requests for versions whose client went before the answer.",
                                          {}}),
         making = metrics.gauge({"photogate_versions_making", "Versions of images under way.", {}}),
         waiting = metrics.gauge(
             {"photogate_version_requests", "Requests that wait for a version.", {}})]() mutable {
            const auto counts = maker.counts();
            made.show(counts.made);
            failed.show(counts.failed);
            dropped.show(counts.dropped);
            left.show(counts.left);
            refused.show(counts.refused);
            timed_out.show(counts.timed_out);
            making.set(static_cast<double>(counts.making));
            waiting.set(static_cast<double>(counts.waiting));
        });
}

void watch(telemetry::Metrics& metrics, const VariantsAhead& ahead) {
    const auto ended = [](const char* result) {
        return telemetry::SeriesName{
            "photogate_variants_total",
            "Variants of images that were to be made before publication: made, or left to a job.",
            {{"result", result}}};
    };
    metrics.before_render([&ahead, made = metrics.mirrored_counter(ended("made")),
                           left = metrics.mirrored_counter(ended("left"))]() mutable {
        const auto counts = ahead.counts();
        made.show(counts.made);
        left.show(counts.left);
    });
}

void watch(telemetry::Metrics& metrics, const VersionEvictor& evictor) {
    metrics.before_render(
        [&evictor,
         removed = metrics.mirrored_counter({"photogate_versions_evicted_total",
                                             "Versions of images that were removed for want of use.",
                                             {}}),
         failures = metrics.mirrored_counter({"photogate_version_eviction_failures_total",
                                              "Rounds of their removal that could not be finished.",
                                              {}})]() mutable {
            const auto counts = evictor.counts();
            removed.show(counts.removed);
            failures.show(counts.failures);
        });
}

void watch(telemetry::Metrics& metrics, const BackfillFeeder& feeder) {
    metrics.before_render(
        [&feeder,
         looked =
             metrics.mirrored_counter({"photogate_backfill_uploads_total",
                                       "Uploads that backfills looked at, and those whose variants lacked.",
                                       {{"result", "looked_at"}}}),
         queued =
             metrics.mirrored_counter({"photogate_backfill_uploads_total",
                                       "Uploads that backfills looked at, and those whose variants lacked.",
                                       {{"result", "queued"}}}),
         failures = metrics.mirrored_counter({"photogate_backfill_failures_total",
                                              "Rounds of backfills that could not be finished.",
                                              {}})]() mutable {
            const auto counts = feeder.counts();
            looked.show(counts.looked_at);
            queued.show(counts.queued);
            failures.show(counts.failures);
        });
}

void watch(telemetry::Metrics& metrics, const VersionUse& use) {
    metrics.before_render(
        [&use, dropped = metrics.mirrored_counter(
                   {"photogate_version_uses_dropped_total",
                    "Uses of versions that were not recorded, for want of room or of the database.",
                    {}})]() mutable { dropped.show(use.counts().dropped); });
}

void watch_cache(telemetry::Metrics& metrics, const std::string& name, std::function<CacheCounts()> counts) {
    const auto looked = [&](const char* result) {
        return telemetry::SeriesName{"photogate_image_cache_requests_total",
                                     "What was looked for in a cache of images, and whether it was there.",
                                     {{"cache", name}, {"result", result}}};
    };
    const telemetry::Labels labels{{"cache", name}};
    metrics.before_render(
        [counts = std::move(counts), hits = metrics.mirrored_counter(looked("hit")),
         misses = metrics.mirrored_counter(looked("miss")),
         evictions = metrics.mirrored_counter({"photogate_image_cache_evictions_total",
                                               "What a cache of images gave up for want of room.", labels}),
         entries = metrics.gauge({"photogate_image_cache_entries", "What a cache of images holds.", labels}),
         bytes = metrics.gauge(
             {"photogate_image_cache_bytes", "Bytes that a cache of images holds.", labels})]() mutable {
            const auto now = counts();
            hits.show(now.hits);
            misses.show(now.misses);
            evictions.show(now.evictions);
            entries.set(static_cast<double>(now.entries));
            bytes.set(static_cast<double>(now.bytes));
        });
}

void watch(telemetry::Metrics& metrics, const DiskCache& cache) {
    watch_cache(metrics, "disk", [&cache] { return cache.counts(); });
    metrics.before_render(
        [&cache,
         damaged = metrics.mirrored_counter({"photogate_disk_cache_damaged_total",
                                             "Files of the disk cache that were not what was written.",
                                             {}}),
         refused = metrics.mirrored_counter({"photogate_disk_cache_refused_total",
                                             "Writes to the disk cache that the disk refused.",
                                             {}})]() mutable {
            const auto counts = cache.counts();
            damaged.show(counts.damaged);
            refused.show(counts.refused);
        });
}

}  // namespace photogate::delivery
