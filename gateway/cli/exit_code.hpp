// The program's exit codes (78 is EX_CONFIG of sysexits.h).
//
// Thread safety: pure functions.
#pragma once

#include "base/error_code.hpp"

namespace photogate::gateway::cli {

enum class ExitCode : int {
    ok = 0,
    failure = 1,
    usage = 2,
    cannot_bind = 3,
    dependency_unavailable = 4,
    no_room = 5,          ///< the disk is full
    already_running = 6,  ///< another photogate uses this folder
    bad_configuration = 78,
};

/// For an error that ends the program at start.
ExitCode exit_code_of(ErrorCode code);

}  // namespace photogate::gateway::cli
