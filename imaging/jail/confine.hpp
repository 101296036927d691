// The jail, as a process puts itself into it, with every thread that it has.
//
// Afterwards it decodes, and that is all: it holds its socket, its pipe and its tasks' files, which come
// through the socket; opens nothing, connects to nothing, starts nothing, signals nobody but itself; gains no
// privileges, can't be traced, leaves no core and writes no file, and has a ceiling on its memory. It does
// not limit time: the supervisor holds the clock. Needs no privileges itself.
//
// Thread safety: at start-up, once each, from the first thread.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "base/result.hpp"
#include "imaging/jail_report.hpp"

namespace photogate::imaging {

/// First thing in main(), on the only thread: a process that root starts becomes the user `photogate-imager`
/// where the machine has one, else `nobody`; it keeps no capability, whichever user starts it. Errors:
/// imager_unavailable.
Result<> give_up_privileges();

/// Next, because a change of the user would undo it: the parent's death becomes ours, even if it came before
/// we could ask; no inherited descriptor stays but the three standard ones; no privileges can be gained.
/// Errors: imager_unavailable.
Result<> follow_parent(pid_t parent);

/// Last thing before the first task, with every library warm: from here on no file is opened by design. Puts
/// up what the kernel has, then tries to break out and tells how that went; it is for the supervisor to turn away
/// a worker process whose jail is not tight. `address_space` in bytes, 0 for no ceiling; ignored in builds with
/// sanitizers, whose shadow memory is larger than any. Errors: imager_unavailable.
Result<JailReport> confine_process(std::uint64_t address_space);

}  // namespace photogate::imaging
