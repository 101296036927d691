#include "delivery/metrics.hpp"

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
         refused = metrics.mirrored_counter({"photogate_version_requests_refused_total",
                                             "Requests for versions that were refused for want of room.",
                                             {}}),
         timed_out = metrics.mirrored_counter({"photogate_version_requests_timed_out_total",
                                               "Requests for versions that were answered before it was made.",
                                               {}}),
         making = metrics.gauge({"photogate_versions_making", "Versions of images under way.", {}}),
         waiting = metrics.gauge(
             {"photogate_version_requests", "Requests that wait for a version.", {}})]() mutable {
            const auto counts = maker.counts();
            made.show(counts.made);
            failed.show(counts.failed);
            refused.show(counts.refused);
            timed_out.show(counts.timed_out);
            making.set(static_cast<double>(counts.making));
            waiting.set(static_cast<double>(counts.waiting));
        });
}

}  // namespace photogate::delivery
