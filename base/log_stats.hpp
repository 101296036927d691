// What became of the log's lines. Writing never waits: a line that standard error does not take at once,
// because whoever reads it has stopped, is dropped and counted here. Thread safe.
#pragma once

#include <cstdint>

namespace photogate::log {

/// Lines dropped since the start.
std::uint64_t dropped();

}  // namespace photogate::log
