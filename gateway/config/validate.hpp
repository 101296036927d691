// What one option alone can't tell: what is required, what contradicts, what is dangerous.
//
// Thread safety: pure functions.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/report.hpp"

namespace photogate::gateway::config {

/// Fills in what follows from other values (public endpoints, key encodings, the key ring, the default
/// region) and reports every mistake and warning at the line, variable or flag that it came from.
void complete_and_validate(Config& config, Report& report);

}  // namespace photogate::gateway::config
