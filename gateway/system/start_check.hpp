// What can be in the way of a start, asked before anything is started or written.
//
// Thread safety: a free function.
#pragma once

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "gateway/system/system.hpp"

namespace photogate::gateway::system {

/// Opens every port that the role listens on, all at once, and closes them again. Errors: cannot_bind, with the
/// address, the option and what to do; store_in_use if another photogate runs on the data folder.
Result<> check_start(const config::Config& config, ProcessRole role);

}  // namespace photogate::gateway::system
