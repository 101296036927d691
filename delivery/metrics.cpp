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

}  // namespace photogate::delivery
