// What is counted of packages whose versions are made.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>

#include "base/telemetry/metrics.hpp"
#include "pipeline/packages/prepare_package.hpp"

namespace photogate::gateway::system {

class PackageMetrics {
  public:
    /// `metrics` outlives this.
    explicit PackageMetrics(telemetry::Metrics& metrics);

    void count(pipeline::packages::Preparing what, std::size_t times);

  private:
    telemetry::Counter there_;
    telemetry::Counter given_up_;
    telemetry::Counter planned_;
    telemetry::Counter failed_;
};

}  // namespace photogate::gateway::system
