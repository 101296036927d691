// The imager pool as the configuration describes it, and its metrics: they are not in imaging, which the
// worker process links and which therefore needs no library for them.
//
// It is started together with the program and not with the first picture, so that a sandbox that does not hold
// is known before anybody waits.
// Thread safety: start_imagers() is a pure function of its configuration; watch() before anybody renders.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "base/telemetry/metrics.hpp"
#include "gateway/config/config.hpp"
#include "imaging/imager_pool.hpp"

namespace photogate::gateway::system {

/// Errors: imager_unavailable.
Result<std::unique_ptr<imaging::ImagerPool>> start_imagers(const config::Config& config);

/// Lays each watermark of the profiles over a picture. Errors: invalid_configuration, naming the option and what to do.
Result<> prove_watermarks(imaging::ImageProcessor& imagers, const model::Apps& apps);

/// `photogate_imager_*_total`. `imagers` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const imaging::ImagerPool& imagers);

}  // namespace photogate::gateway::system
