// `photogate setup minio`: a MinIO made ready with its administrator's key, and the configuration of a gateway on it.
//
// It shows what is there and what it would do, asks, does it, and lets `doctor` prove it. A second run finds all of it done. The
// administrator's key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and is kept nowhere.
//
// Thread safety: on the main thread.
#pragma once

#include <functional>
#include <string>

#include "gateway/cli/config_flags.hpp"
#include "gateway/cli/program.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

struct SetupArguments {
    std::string events_url;
    std::string events_dir = "/var/lib/minio/events";
    std::string tool;  ///< `mc`
    enum class Consent { ask, given, dry_run } consent = Consent::ask;
    ConfigFlags configuration;
};

/// All of these outlive `root`. `chosen` becomes what the command does.
void add_setup_command(CLI::App& root, SetupArguments& arguments, Help help, const ProcessContext& context,
                       const Commands& commands, std::function<ExitCode()>& chosen);

}  // namespace photogate::gateway::cli
