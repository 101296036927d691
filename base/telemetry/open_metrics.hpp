// Inside the module: what prometheus-cpp has collected as OpenMetrics text, which it does not write itself.
//
// A counter's family has its name without `_total`; a unit is said where the name ends in one; the end is marked. No two families
// have one name here: what is called as a counter is without `_total` is left out.
//
// Thread safety: a pure function.
// Source: OpenMetrics 1.0.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#pragma once

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/telemetry/exemplars.hpp"

namespace photogate::telemetry {

std::string open_metrics(const std::vector<prometheus::MetricFamily>& families,
                         const ExemplarsOfSeries& exemplars);

}  // namespace photogate::telemetry
