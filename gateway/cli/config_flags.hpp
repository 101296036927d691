// The flags of the configuration, on every command that reads it.
//
// Thread safety: for the main thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway/config/load.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

/// The configuration flags of one command.
struct ConfigFlags {
    std::string file;
    std::string folder;  ///< --data; empty: kDataFolder
    std::string store;   ///< --store
    std::map<std::string, std::vector<std::string>> values;
    std::map<std::string, std::string> switches;
};

/// Which options the help shows.
enum class Help { most_used, all };

/// CLI11 writes into `flags`, which outlives the app.
void add_config_flags(CLI::App& app, ConfigFlags& flags, Help help);

struct ProcessContext;

/// Where the configuration comes from, once the flags are parsed.
config::Sources sources_of(const ConfigFlags& given, const ProcessContext& context);

}  // namespace photogate::gateway::cli
