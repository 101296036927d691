// The watermarks of a configuration: their files read, their texts completed, and both held to what the imager takes.
//
// Whether a picture can be decoded only a worker process finds out: start_imagers() (gateway/system) asks one.
//
// Thread safety: once, while the configuration is made.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/report.hpp"

namespace photogate::gateway::config {

/// Fills in each profile's mark, in its recipe and its delivery policy too, and the fonts that worker processes load.
void complete_watermarks(Config& config, Report& report);

}  // namespace photogate::gateway::config
