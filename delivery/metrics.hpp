// Memory of images on their way to readers, images that were not served, and versions that are made, as metrics.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "delivery/byte_budget.hpp"
#include "delivery/published_images.hpp"
#include "delivery/version_maker.hpp"

namespace photogate::delivery {

/// What is watched outlives the last rendering.
void watch(telemetry::Metrics& metrics, const PublishedImages& images, const ByteBudget& budget);
void watch(telemetry::Metrics& metrics, const VersionMaker& maker);

}  // namespace photogate::delivery
