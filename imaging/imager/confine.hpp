// The jail, as far as a process can put itself into one.
//
// Now: it dies with its parent, holds no descriptor but its three, may not gain privileges or be traced,
// makes no core and no file, opens few descriptors, and has a ceiling on its memory. Not yet: seccomp and
// Landlock; confine_process() is their place, after them nothing but decoding happens. Thread safety: at
// start-up, once each.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "base/result.hpp"

namespace photogate::imaging {

/// First thing in main(): the parent's death becomes ours, even if it came before we could ask.
/// Errors: imager_unavailable.
Result<> follow_parent(pid_t parent);

/// Last thing before the first task, with every library warm: from here on no file is opened by design.
/// `address_space` in bytes, 0 for no ceiling; ignored in builds with sanitizers, whose shadow memory is
/// larger than any. Errors: imager_unavailable.
Result<> confine_process(std::uint64_t address_space);

}  // namespace photogate::imaging
