// What the periodic tasks found, as metrics: `photogate_reconciler_*`, `photogate_leases_reaped_total` and
// `photogate_sweep_*`.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "pipeline/orphan_collector.hpp"
#include "pipeline/part_collector.hpp"
#include "pipeline/queue_poller.hpp"
#include "pipeline/reconciler.hpp"

namespace photogate::pipeline {

/// Each outlives the last rendering.
void watch(telemetry::Metrics& metrics, const QueuePoller& poller);
void watch(telemetry::Metrics& metrics, const Reconciler& reconciler);
void watch(telemetry::Metrics& metrics, const OrphanCollector& collector);
void watch(telemetry::Metrics& metrics, const PartCollector& collector);

}  // namespace photogate::pipeline
