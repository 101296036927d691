// Memory of images on their way to readers, and images that were not served, as metrics.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "delivery/byte_budget.hpp"
#include "delivery/published_images.hpp"

namespace photogate::delivery {

/// Both outlive the last rendering.
void watch(telemetry::Metrics& metrics, const PublishedImages& images, const ByteBudget& budget);

}  // namespace photogate::delivery
