// The commands that call a gateway from another machine: `uploads`, `callbacks`, `upload` and `listen`.
//
// The key is never an argument, where everyone on the machine sees it: it comes from a file, from standard input or from
// PHOTOGATE_KEY.
//
// Thread safety: on the main thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "client/callbacks.hpp"
#include "client/listen.hpp"
#include "client/upload_files.hpp"
#include "client/uploads.hpp"
#include "gateway/cli/exit_code.hpp"

namespace CLI {
class App;
}

namespace photogate::gateway::cli {

struct ProcessContext;

/// What CLI11 writes the words of all these commands into.
struct ClientArguments {
    std::string gateway;
    std::string key_file;
    std::string ca_file;
    client::Format format = client::Format::people;
    std::vector<std::string> ids;
    std::vector<std::string> metadata;  ///< NAME=VALUE
    client::UploadFilter uploads;
    client::CallbackFilter callbacks;
    client::ReplayRange range;
    client::UploadFiles files;
    std::string way = "auto";
    std::string progress = "auto";
    std::uint64_t patience = 120;  ///< seconds
    client::Listening listening;
    std::string state_file;
    std::string secret_file;
    std::shared_ptr<void> keeper;  ///< what CLI11 calls back
};

/// Adds the commands to `root`; all of these outlive it. `chosen` becomes what the command that is given does.
void add_client_commands(CLI::App& root, ClientArguments& arguments, const ProcessContext& context,
                         std::function<ExitCode()>& chosen);

}  // namespace photogate::gateway::cli
