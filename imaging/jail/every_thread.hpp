// What the kernel does for one thread, done for all: each is interrupted by a signal and does it in the
// handler. Libraries start threads while they warm up, and Landlock has no word for "and those" before Linux
// 7.
//
// Thread safety: from one thread, before the process has anything else to do.
#pragma once

namespace photogate::imaging {

/// Runs `step(argument)` on every thread that there is, this one last. `step` must be safe in a signal
/// handler. False where it failed on one, or one did not answer within seconds. Needs /proc and system calls
/// that the jail takes away.
bool on_every_thread(bool (*step)(int), int argument);

}  // namespace photogate::imaging
