// `photogate setup minio|aws|ceph|r2`: a store made ready with its administrator's key, and the configuration of a gateway on it.
//
// It shows what is there and what it would do, asks, does it, and lets `doctor` prove it. A second run finds all of it done. The
// administrator's key comes from variables of the environment, and is kept nowhere.
//
// Thread safety: on the main thread.
#pragma once

#include <functional>
#include <string>

#include "client/outcome.hpp"
#include "gateway/cli/config_flags.hpp"
#include "gateway/cli/program.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

struct SetupArguments {
    std::string endpoint;
    std::string name;
    std::string region;   ///< aws
    std::string account;  ///< r2
    std::string events_url;
    std::string events_dir = "/var/lib/minio/events";
    std::string tool;  ///< `mc`
    enum class Consent { ask, given, dry_run } consent = Consent::ask;
    client::Format format = client::Format::people;
    ConfigFlags configuration;
};

/// All of these outlive `root`. `chosen` becomes what the command does.
void add_setup_command(CLI::App& root, SetupArguments& arguments, Help help, const ProcessContext& context,
                       const Commands& commands, std::function<ExitCode()>& chosen);

}  // namespace photogate::gateway::cli
