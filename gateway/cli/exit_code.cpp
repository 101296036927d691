#include "gateway/cli/exit_code.hpp"

namespace photogate::gateway::cli {

ExitCode exit_code_of(ErrorCode code) {
    // Deliberately not exhaustive: most error codes answer requests and never end a process.
    switch (code) {
        case ErrorCode::cannot_bind:
            return ExitCode::cannot_bind;
        case ErrorCode::database_unavailable:
        case ErrorCode::store_unavailable:
        case ErrorCode::store_slow_down:
        case ErrorCode::http_dns:
        case ErrorCode::http_connect:
        case ErrorCode::http_tls:
        case ErrorCode::http_timeout:
        case ErrorCode::http_broken:
        case ErrorCode::unavailable:
            return ExitCode::dependency_unavailable;
        case ErrorCode::store_full:
            return ExitCode::no_room;
        case ErrorCode::store_in_use:
            return ExitCode::already_running;
        case ErrorCode::invalid_configuration:
        case ErrorCode::unsafe_configuration:
            return ExitCode::bad_configuration;
        default:
            return ExitCode::failure;
    }
}

}  // namespace photogate::gateway::cli
