// Requests that wait for an upload or a package, as metrics: `photogate_waits*`.
//
// Thread safety: watch() before anybody renders; what it adds runs with each rendering.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "gateway/waiting/waiters.hpp"

namespace photogate::gateway::waiting {

/// Of both, which share their places. They outlive the last rendering.
void watch(telemetry::Metrics& metrics, const Waiters& uploads, const PackageWaiters& packages);

}  // namespace photogate::gateway::waiting
