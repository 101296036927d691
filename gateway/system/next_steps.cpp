#include "gateway/system/next_steps.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "base/shell_quote.hpp"
#include "gateway/system/event_proof.hpp"

namespace photogate::gateway::system {
namespace {

std::string local_url(config::ListenAddress address) {
    if (address.host == "0.0.0.0" || address.host == "localhost") address.host = "127.0.0.1";
    if (address.host == "::") address.host = "::1";
    return "http://" + address.text();
}

}  // namespace

std::string next_steps(const config::Config& config) {
    const auto& server = config.server;
    const auto url = server.public_url       ? server.public_url->origin()
                     : server.listen.empty() ? std::string{}
                                             : local_url(server.listen.front());
    const auto operations = operations_url(server);
    std::error_code ignored;
    const auto key_file = std::filesystem::path{config.data_folder} / "key";
    const bool first = !config.data_folder.empty() && std::filesystem::exists(key_file, ignored);
    std::string text = fmt::format(
        "photogate is ready.\n\n"
        "  {0:<40} the REST interface\n"
        "  {1:<40} the operations page\n"
        "  {2:<40} metrics\n\n",
        url + "/docs", operations + "/operate", operations + "/metrics");
    text += fmt::format(
        "Ask for an upload; `upload.curl` in the answer is a command that sends a file:\n\n"
        "  curl -s {}/v1/uploads -H \"Authorization: Bearer {}\" \\\n"
        "    -H 'Content-Type: application/json' -d '{{\"filename\":\"photo.jpg\"}}'\n\n",
        url, first ? fmt::format("$(cat {})", shell_quote(key_file.string())) : "$KEY");
    if (first)
        text += fmt::format(
            "The configuration is {0}/photogate.toml; the operator's key is in {0}/operator.key.\n",
            config.data_folder);
    return text + "`photogate doctor` checks the set-up. Ctrl-C stops everything.\n";
}

}  // namespace photogate::gateway::system
