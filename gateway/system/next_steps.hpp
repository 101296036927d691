// What to do once `photogate all` has started, for a person at a terminal.
//
// Thread safety: a pure function; it asks whether the first key's file is there.
#pragma once

#include <string>

#include "gateway/config/config.hpp"

namespace photogate::gateway::system {

/// A few lines with the addresses and a command to copy; never a key.
std::string next_steps(const config::Config& config);

}  // namespace photogate::gateway::system
