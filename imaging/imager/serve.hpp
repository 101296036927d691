// The worker process's life: one task at a time until the supervisor closes the channel.
//
// Thread safety: one thread.
#pragma once

#include "imaging/channel.hpp"

namespace photogate::imaging {

/// Answers tasks. Returns when the channel closes or speaks nonsense.
void serve(Channel& channel);

}  // namespace photogate::imaging
