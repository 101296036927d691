// The system calls that decoding needs, and an end to all others (seccomp(2)).
//
// Three answers: allowed; refused with EACCES, for what libraries try in vain and live without (files,
// sockets, programs); and for everything else the process is killed, which the kernel's log shows with the
// call's number. Memory may be made executable: libvips compiles its inner loops while it works (trap 15).
#pragma once

#include "base/result.hpp"

namespace photogate::imaging {

/// For every thread of the process; can't be undone. Errors: imager_unavailable, in words.
Result<> filter_system_calls();

}  // namespace photogate::imaging
