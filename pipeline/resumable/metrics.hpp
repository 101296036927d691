// What /metrics says of resumable uploads that are assembled and removed.
//
// Thread safety: as telemetry::Metrics.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "pipeline/resumable/collector.hpp"

namespace photogate::pipeline::resumable {

/// The collector outlives the metrics.
void watch(telemetry::Metrics& metrics, const Collector& collector);

}  // namespace photogate::pipeline::resumable
