// Counters of the log. Writing never blocks: a line that standard error does not accept immediately, because
// its reader has stopped, is dropped and counted here. Thread safe.
#pragma once

#include <cstdint>

namespace photogate::log {

/// Lines dropped since the start.
std::uint64_t dropped();

}  // namespace photogate::log
