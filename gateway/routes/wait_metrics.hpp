// Requests that wait for an upload, as metrics: `photogate_waits*`.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "gateway/routes/waiters.hpp"

namespace photogate::gateway::routes {

/// `waiters` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const Waiters& waiters);

}  // namespace photogate::gateway::routes
