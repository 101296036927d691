#include "gateway/cli/app_arguments.hpp"

#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace photogate::gateway::cli {
namespace {

using What = access::AppCommand::What;

enum class Names { nothing, maybe_app, app, app_and_id, app_and_profile };

struct Row {
    const char* name;
    What what;
    Names names;
    const char* about;
};

constexpr Row kApps[] = {
    {"list", What::list, Names::nothing, "The apps of the configuration and those beside it"},
    {"new", What::create, Names::app, "Create an app, with its first key and callback secret"},
    {"disable", What::disable, Names::app, "Refuse its keys and tokens; what it has stays"},
    {"enable", What::enable, Names::app, "Accept its keys and tokens again"},
    {"audit", What::audit, Names::maybe_app, "Who made, changed or revoked what, the newest first"},
};
constexpr Row kProfiles[] = {
    {"list", What::list_profiles, Names::app, "The app's profiles: of the configuration, and beside it"},
    {"show", What::show_profile, Names::app_and_profile, "Print a profile's settings, as JSON"},
    {"set", What::set_profile, Names::app_and_profile, "Create or replace a profile, in force at once"},
    {"delete", What::delete_profile, Names::app_and_profile,
     "Refuse new uploads with it; those that it has end by its rules"},
};
constexpr Row kKeys[] = {
    {"add", What::add_key, Names::app, "Create a key beside the configuration, in force at once"},
    {"revoke", What::revoke_key, Names::app_and_id, "Refuse such a key from now on"},
};
constexpr Row kSecrets[] = {
    {"add", What::add_secret, Names::app, "Create a callback secret, in force at once"},
    {"revoke", What::revoke_secret, Names::app_and_id, "Sign with it no longer"},
};

Result<std::optional<AppName>> name_of(const std::string& text) {
    if (text.empty()) return std::optional<AppName>{};
    auto name = parse_app_name(text);
    if (!name) return fail(name.error().code, fmt::format("'{}': {}", text, name.error().detail));
    return std::optional{std::move(*name)};
}

}  // namespace

void add_app_commands(CLI::App& root, CLI::App& key, AppArguments& arguments,
                      const std::function<void(CLI::App&, What)>& chosen) {
    const auto add = [&](CLI::App& parent, const Row& row) {
        auto* sub = parent.add_subcommand(row.name, row.about);
        if (row.names == Names::maybe_app)
            sub->add_option("--app", arguments.app, "Of this app alone")->type_name("NAME");
        if (row.names != Names::nothing && row.names != Names::maybe_app)
            sub->add_option("APP", arguments.app, "The app's name")->required();
        if (row.names == Names::app_and_id)
            sub->add_option("ID", arguments.id, "As `photogate app audit` lists it")->required();
        if (row.names == Names::app_and_profile)
            sub->add_option("PROFILE", arguments.profile, "The profile's name")->required();
        if (row.what == What::set_profile)
            sub->add_option("FILE", arguments.file,
                            "Its settings as a JSON object, with the keys of [apps.NAME.profiles.NAME]; "
                            "-: standard input")
                ->required();
        if (row.what == What::create) {
            sub->add_option("--profiles-of", arguments.profiles_of,
                            "The app of the configuration whose profiles it has")
                ->required()
                ->type_name("NAME");
            sub->add_option("--callback-url", arguments.callback_url, "Where its callbacks go")
                ->type_name("URL");
        }
        chosen(*sub, row.what);
    };
    auto* apps = root.add_subcommand("app", "Apps beside those of the configuration");
    apps->require_subcommand(1);
    for (const auto& row : kApps)
        add(*apps, row);
    auto* profiles = root.add_subcommand("profile", "Profiles beside those of the configuration");
    profiles->require_subcommand(1);
    for (const auto& row : kProfiles)
        add(*profiles, row);
    for (const auto& row : kKeys)
        add(key, row);
    auto* secrets = root.add_subcommand("secret", "Callback secrets beside those of the configuration");
    secrets->require_subcommand(1);
    for (const auto& row : kSecrets)
        add(*secrets, row);
}

Result<access::AppCommand> read(const AppArguments& arguments, What what) {
    access::AppCommand command{.what = what, .id = arguments.id};
    auto app = name_of(arguments.app);
    if (!app) return fail(std::move(app.error()));
    auto profiles_of = name_of(arguments.profiles_of);
    if (!profiles_of) return fail(std::move(profiles_of.error()));
    command.app = std::move(*app);
    command.profiles_of = std::move(*profiles_of);
    auto profile = name_of(arguments.profile);
    if (!profile) return fail(std::move(profile.error()));
    if (*profile) command.profile = ProfileName::trusted((*profile)->str());
    command.file = arguments.file;
    if (!arguments.callback_url.empty()) command.callback_url = arguments.callback_url;
    return command;
}

}  // namespace photogate::gateway::cli
