// The figures of gauges.hpp as metrics: queues, callback endpoints, uploads awaited, sweeps, the database.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include <chrono>

#include "base/telemetry/metrics.hpp"
#include "storage/records/gauges.hpp"

namespace photogate::storage::records {

/// Reads the backlog at each rendering, and what is costlier at most every `state_at_most_every`. `gauges`
/// outlives the last rendering.
void watch(telemetry::Metrics& metrics, Gauges& gauges, std::chrono::milliseconds state_at_most_every);

}  // namespace photogate::storage::records
