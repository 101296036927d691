// The command line: which subcommands there are, what they take, and what the exit code says.
//
// It parses, reads the configuration and hands over. Commands that need the running system are given in by
// main(), so that this room links no storage; one that main() does not give is not offered.
//
// Thread safety: run() once, on the main thread.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "gateway/cli/exit_code.hpp"
#include "gateway/config/config.hpp"

namespace photogate::gateway::cli {

enum class MigrateMode { apply, dry_run };
enum class SweepMode { apply, dry_run };

/// Each gets the configuration in force, after its warnings were printed and the log was configured by it.
struct Commands {
    using Run = std::function<ExitCode(const config::Config&)>;
    Run all;    ///< server and worker in one process
    Run serve;  ///< the HTTP server alone
    Run work;   ///< the worker and the sender of callbacks alone
    std::function<ExitCode(const config::Config&, MigrateMode)> migrate;
    Run doctor;
    std::function<ExitCode(const config::Config&, SweepMode)> sweep;
};

/// What the process is given; handed in, so that tests can.
struct Surroundings {
    std::vector<std::string> arguments;  ///< without the program's name
    std::map<std::string, std::string> environment;
    std::filesystem::path executable;
    std::ostream& out;
    std::ostream& err;
    const Clock& clock;
    Random& random;
    std::filesystem::path folder = {};  ///< the current one; empty: no configuration is looked for there
};

/// Never throws: an exception of a command is printed and is ExitCode::failure.
ExitCode run(const Surroundings& surroundings, const Commands& commands);

/// run() over this process's own arguments, variables, streams, clock and chance; the value for main() to
/// return.
int run_process(int argc, const char* const* argv, const Commands& commands);

}  // namespace photogate::gateway::cli
