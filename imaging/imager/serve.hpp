// The helper's life: one task at a time until the keeper closes the channel.
//
// Thread safety: one thread.
#pragma once

#include "imaging/channel.hpp"

namespace photogate::imaging {

/// Tells the keeper that it is ready and answers tasks. Returns when the channel closes or speaks nonsense.
void serve(Channel& channel);

}  // namespace photogate::imaging
