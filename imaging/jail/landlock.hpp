// Landlock (landlock(7)): no file system at all, and where the kernel knows how, no TCP ports, no abstract
// sockets of others and no signals to them.
//
// What is open stays open. Defence in depth: the filter on system calls refuses to open files too, but
// by the call's name, while this refuses the act, whatever call leads to it.
#pragma once

#include <cstdint>

#include "base/result.hpp"

namespace photogate::imaging {

/// For every thread of the process, and all that they make. The version that holds; 0 where this kernel has
/// none. Errors: imager_unavailable, in words.
Result<std::uint32_t> shut_file_system();

}  // namespace photogate::imaging
