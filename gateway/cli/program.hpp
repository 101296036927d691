// The command line: subcommands, their flags, and the exit codes.
//
// It parses, reads the configuration and calls the command. main() passes in the commands that need the
// running system, so that this module links no storage; a command that is not passed in is not offered.
//
// Thread safety: run() once, on the main thread.
#pragma once

#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/run_mode.hpp"
#include "base/time.hpp"
#include "gateway/access/app_command.hpp"
#include "gateway/cli/exit_code.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/load.hpp"

namespace photogate::gateway::cli {

/// Each receives the effective configuration, after its warnings are printed and the log is configured.
struct Commands {
    using Run = std::function<ExitCode(const config::Config&)>;
    /// Runs until it is asked to stop, and reads the configuration again when it is asked to.
    using Service = std::function<ExitCode(const config::Config&, const config::Reload&)>;
    Service all;  ///< server and worker in one process
    /// Whether `all` can start, before anything is written or started. Unset: not asked.
    Run before_all;
    Service serve;  ///< only the HTTP server
    Service work;   ///< only the worker and the callback sender
    std::function<ExitCode(const config::Config&, RunMode)> migrate;
    Run doctor;
    std::function<ExitCode(const config::Config&, RunMode)> sweep;
    /// Apps, keys and callback secrets that are made beside the configuration.
    std::function<ExitCode(const config::Config&, const access::AppCommand&)> apps;
    /// Prints the policy of a credential; an empty region is the only one or the default.
    std::function<ExitCode(const config::Config&, model::StoreCredential, const std::string& region)> policy;
};

/// The process's inputs and outputs, injected for tests.
struct ProcessContext {
    std::vector<std::string> arguments;  ///< without the program's name
    std::map<std::string, std::string> environment;
    std::filesystem::path executable;
    std::ostream& out;
    std::ostream& err;
    const Clock& clock;
    Random& random;
    std::filesystem::path folder = {};  ///< the current folder; empty: no configuration is searched there
    std::istream& in = std::cin;        ///< a key may come from there
};

/// Never throws: an exception of a command is printed and is ExitCode::failure.
ExitCode run(const ProcessContext& context, const Commands& commands);

/// run() with this process's arguments, variables, streams, clock and randomness; returns the value for
/// main().
int run_process(int argc, const char* const* argv, const Commands& commands);

}  // namespace photogate::gateway::cli
