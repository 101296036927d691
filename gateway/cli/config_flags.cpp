#include "gateway/cli/config_flags.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "gateway/cli/program.hpp"
#include "gateway/config/options.hpp"

namespace photogate::gateway::cli {
namespace {

std::string help_of(const config::Option& option) {
    std::string help{option.help};
    if (option.secrecy == config::Secrecy::secret) help = "File that contains: " + help;
    const auto standard =
        option.otherwise.empty() ? config::toml_literal(option) : std::string{option.otherwise};
    if (!standard.empty()) help += fmt::format(" [{}]", standard);
    return help;
}

std::string group_of(const config::Table& table) {
    return table.pattern.empty() ? std::string{"Configuration"}
                                 : fmt::format("Configuration: [{}]", table.pattern);
}

/// The folder of a first start, below the current folder.
constexpr const char* kDataFolder = "var";

/// The flags that a first day needs; --help-all shows the rest.
bool matters(std::string_view flag) {
    static constexpr std::array<std::string_view, 7> kMostUsed{
        "--server-listen",     "--server-public-url",  "--server-metrics-listen",
        "--database-url-file", "--s3-public-endpoint", "--app-callback-url",
        "--log-level"};
    return std::find(kMostUsed.begin(), kMostUsed.end(), flag) != kMostUsed.end();
}

}  // namespace

void add_config_flags(CLI::App& app, ConfigFlags& flags, Help help) {
    if (help == Help::most_used)
        app.footer("--help-all shows the other options; docs/configuration.md explains all of them.");
    auto* file = app.add_option("--config", flags.file, "The configuration file (TOML)")
                     ->type_name("FILE")
                     ->group("Configuration");
    app.add_option("--data", flags.folder,
                   "The data folder, with its photogate.toml, of a start without configuration [./var]")
        ->type_name("FOLDER")
        ->group("Configuration")
        ->excludes(file);
    app.add_option("--store", flags.store,
                   "An S3 store, http(s)://host[:port], instead of the built-in one; its credentials from "
                   "PHOTOGATE_S3_{SIGNER,WORKER}_{ACCESS,SECRET}_KEY")
        ->type_name("URL")
        ->group("Configuration");
    for (const auto& table : config::tables()) {
        for (const auto& option : table.options) {
            const auto name = config::flag(table, option);
            if (name.empty()) continue;
            if (const auto former = config::former_flag(table, option); !former.empty())
                app.add_option(former, flags.values[former])->group("");  // accepted, but not in the help
            auto* added = option.kind == config::Kind::boolean
                              ? app.add_flag(name, flags.switches[name], help_of(option))
                              : app.add_option(name, flags.values[name], help_of(option));
            added->group(help == Help::all || matters(name) ? group_of(table) : "");
            if (option.kind == config::Kind::boolean) continue;
            added->allow_extra_args(false);
            added->type_name(option.secrecy == config::Secrecy::secret ? "FILE" : "VALUE");
        }
    }
}

config::Sources sources_of(const ConfigFlags& given, const ProcessContext& context) {
    config::Sources sources{given.values, context.environment, std::nullopt, context.executable};
    if (!given.file.empty()) sources.file = given.file;
    if (!context.folder.empty() || !given.folder.empty())
        sources.folder = context.folder / (given.folder.empty() ? kDataFolder : given.folder);
    if (!given.folder.empty()) sources.folder_is = config::Sources::FolderIs::named;
    for (const auto& [name, value] : given.switches) {
        if (!value.empty()) sources.flags[name] = {value};
    }
    if (!given.store.empty()) {
        sources.flags["--s3-endpoint"] = {given.store};
        sources.flags["--store-folder"] = {""};
    }
    return sources;
}

}  // namespace photogate::gateway::cli
