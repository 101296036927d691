// Memory of images on their way to readers, images that were not served, and versions that are made, as metrics.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include <functional>
#include <string>

#include "base/telemetry/metrics.hpp"
#include "delivery/backfill_feeder.hpp"
#include "delivery/byte_budget.hpp"
#include "delivery/disk_cache.hpp"
#include "delivery/memory_cache.hpp"
#include "delivery/published_images.hpp"
#include "delivery/variants_ahead.hpp"
#include "delivery/version_evictor.hpp"
#include "delivery/version_maker.hpp"
#include "delivery/version_use.hpp"

namespace photogate::delivery {

/// What is watched outlives the last rendering.
void watch(telemetry::Metrics& metrics, const PublishedImages& images, const ByteBudget& budget);
void watch(telemetry::Metrics& metrics, const VersionMaker& maker);
void watch(telemetry::Metrics& metrics, const VariantsAhead& ahead);
void watch(telemetry::Metrics& metrics, const VersionEvictor& evictor);
void watch(telemetry::Metrics& metrics, const BackfillFeeder& feeder);
void watch(telemetry::Metrics& metrics, const VersionUse& use);

/// As the cache `disk`, and what went wrong with it.
void watch(telemetry::Metrics& metrics, const DiskCache& cache);

/// What reads a cache's counts, under the name that the label `cache` has.
void watch_cache(telemetry::Metrics& metrics, const std::string& name, std::function<CacheCounts()> counts);
template <class Cache>
void watch(telemetry::Metrics& metrics, const std::string& name, const Cache& cache) {
    watch_cache(metrics, name, [&cache] { return cache.counts(); });
}

}  // namespace photogate::delivery
