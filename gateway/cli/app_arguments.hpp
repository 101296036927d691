// The commands on apps, profiles, keys and callback secrets that are kept beside the configuration: their words and arguments.
//
// Thread safety: on the main thread.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "gateway/access/app_command.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

struct AppArguments {
    std::string app;
    std::string profiles_of;
    std::string callback_url;
    std::string id;  ///< of a key or secret
    std::string profile;
    std::string file;
};

/// `app …`, `profile …` and `secret …` below `root`, `add` and `revoke` below `key`. `arguments` outlives both. `chosen` is called for each
/// command, to say what happens when it is given.
void add_app_commands(CLI::App& root, CLI::App& key, AppArguments& arguments,
                      const std::function<void(CLI::App&, access::AppCommand::What)>& chosen);

/// Errors: invalid_field, a name that no app or profile can have.
Result<access::AppCommand> read(const AppArguments& arguments, access::AppCommand::What what);

}  // namespace photogate::gateway::cli
