// The imager pool as the configuration describes it.
//
// It is started together with the program and not with the first picture, so that a sandbox that does not hold
// is known before anybody waits. Thread safety: a pure function of its configuration.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "imaging/imager_pool.hpp"

namespace photogate::gateway::system {

/// Errors: imager_unavailable.
Result<std::unique_ptr<imaging::ImagerPool>> start_imagers(const config::Config& config);

}  // namespace photogate::gateway::system
