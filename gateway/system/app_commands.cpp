#include "gateway/system/app_commands.hpp"

#include <array>
#include <cstdint>
#include <ostream>
#include <span>

#include <fmt/format.h>
#include <unistd.h>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/json/fields.hpp"
#include "base/privileges.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/config/callback_url.hpp"
#include "gateway/config/profile_settings.hpp"
#include "gateway/config/secret_file.hpp"
#include "gateway/system/provided.hpp"
#include "gateway/system/recipients.hpp"
#include "storage/apps/app_store.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::system {
namespace {

using access::AppCommand;
using storage::apps::AppStore;
using storage::apps::StoredApp;

std::string this_user() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {};
    return fmt::format("cli:{}@{}", user_name(::geteuid()), host.data());
}

class Runner {
  public:
    Runner(const config::Config& config, AppStore& store, Random& random, std::ostream& out)
        : config_(config), store_(store), random_(random), out_(out) {}

    Result<> run(const AppCommand& command) {
        switch (command.what) {
            case AppCommand::What::list:
                return list();
            case AppCommand::What::create:
                return create(command);
            case AppCommand::What::enable:
                return turn(command, StoredApp::State::active);
            case AppCommand::What::disable:
                return turn(command, StoredApp::State::disabled);
            case AppCommand::What::add_key:
                return add_key(command);
            case AppCommand::What::revoke_key:
                return revoke_key(command);
            case AppCommand::What::add_secret:
                return add_secret(command);
            case AppCommand::What::revoke_secret:
                return revoke_secret(command);
            case AppCommand::What::list_profiles:
                return list_profiles(command);
            case AppCommand::What::show_profile:
                return show_profile(command);
            case AppCommand::What::set_profile:
                return set_profile(command);
            case AppCommand::What::delete_profile:
                return delete_profile(command);
            case AppCommand::What::audit:
                return audit(command);
        }
        return fail(ErrorCode::internal, "an unknown command");
    }

  private:
    Result<> list() {
        const auto stored = store_.all();
        if (!stored) return fail(stored.error());
        for (const auto& [name, app] : config_.apps)
            out_ << fmt::format("{:<32} configuration  active\n", name.str());
        for (const auto& app : *stored)
            out_ << fmt::format("{:<32} api            {:<8}  profiles of {}\n", app.name.str(),
                                storage::apps::to_string(app.state), app.profiles_of.str());
        return {};
    }

    Result<> create(const AppCommand& command) {
        if (config_.access.contains(*command.app))
            return fail(ErrorCode::app_exists, "the configuration has an app or operator of this name");
        if (!config_.apps.contains(*command.profiles_of))
            return fail(
                ErrorCode::app_not_found,
                "--profiles-of is the name of an app of the configuration, whose profiles the new one gets");
        if (command.callback_url) {
            auto url = config::check_own_callback_url(*command.callback_url, config_.callbacks.policy);
            if (!url) return url;
        }
        const auto key = access::make_api_key(*command.app, random_);
        const auto secret = new_secret();
        const auto made =
            store_.create({*command.app, *command.profiles_of, command.callback_url},
                          {access::api_key_line(key), access::api_key_hint(key)}, secret, actor_);
        if (!made) return fail(made.error());
        out_ << fmt::format("app     {}\nkey     {}  {}\nsecret  {}  {}\n", made->app.name.str(),
                            made->key.id, key.reveal(), made->secret.id, secret.reveal());
        return {};
    }

    Result<> turn(const AppCommand& command, StoredApp::State state) {
        const auto app = store_.change(*command.app, {state, std::nullopt}, actor_);
        if (!app) return fail(app.error());
        out_ << fmt::format("app     {}  {}\n", app->name.str(), storage::apps::to_string(app->state));
        return {};
    }

    Result<> known(const AppName& app) {
        if (config_.apps.contains(app)) return {};
        const auto found = store_.find(app);
        if (!found) return fail(found.error());
        return {};
    }

    Result<> add_key(const AppCommand& command) {
        if (auto there = known(*command.app); !there) return there;
        const auto key = access::make_api_key(*command.app, random_);
        const auto made =
            store_.add_key(*command.app, {access::api_key_line(key), access::api_key_hint(key)}, actor_);
        if (!made) return fail(made.error());
        out_ << fmt::format("key     {}  {}\n", made->id, key.reveal());
        return {};
    }

    Result<> revoke_key(const AppCommand& command) {
        const auto key = store_.revoke_key(*command.app, command.id, actor_);
        if (!key) return fail(key.error());
        out_ << fmt::format("key     {}  revoked\n", key->id);
        return {};
    }

    Result<> add_secret(const AppCommand& command) {
        if (auto there = known(*command.app); !there) return there;
        const auto secret = new_secret();
        const auto made = store_.add_secret(*command.app, secret, actor_);
        if (!made) return fail(made.error());
        out_ << fmt::format("secret  {}  {}\n", made->id, secret.reveal());
        return {};
    }

    Result<> revoke_secret(const AppCommand& command) {
        const auto secret = store_.revoke_secret(*command.app, command.id, actor_);
        if (!secret) return fail(secret.error());
        out_ << fmt::format("secret  {}  revoked\n", secret->id);
        return {};
    }

    /// The app of the configuration whose profiles it has; nullptr: that is not configured.
    Result<const model::App*> configured(const AppName& app) {
        auto found = config_.apps.find(app);
        if (found == config_.apps.end()) {
            const auto made = store_.find(app);
            if (!made) return fail(made.error());
            found = config_.apps.find(made->profiles_of);
        }
        return found == config_.apps.end() ? nullptr : &found->second;
    }

    Result<> list_profiles(const AppCommand& command) {
        const auto app = configured(*command.app);
        if (!app) return fail(app.error());
        const auto stored = store_.profiles(*command.app);
        if (!stored) return fail(stored.error());
        if (*app != nullptr) {
            for (const auto& [name, profile] : (*app)->profiles)
                out_ << fmt::format("{:<32} configuration  active\n", name.str());
        }
        for (const auto& profile : *stored)
            out_ << fmt::format("{:<32} api            {:<8}  version {}\n", profile.name.str(),
                                storage::apps::to_string(profile.state), profile.version);
        return {};
    }

    Result<> show_profile(const AppCommand& command) {
        const auto profile = store_.profile(*command.app, *command.profile);
        if (!profile) return fail(profile.error());
        out_ << profile->settings_json << "\n";
        return {};
    }

    Result<> set_profile(const AppCommand& command) {
        const auto app = configured(*command.app);
        if (!app) return fail(app.error());
        if (*app != nullptr && (*app)->profiles.contains(*command.profile))
            return fail(ErrorCode::forbidden,
                        "this profile is one of the configuration: change it there, and reload the gateways");
        const auto text = read_settings(command.file);
        if (!text) return fail(text.error());
        const auto settings = json::read_object(*text, config::kProfileBounds);
        if (!settings) return fail(each_field(settings.error()));
        const auto profile = config::read_profile(*command.app, *command.profile, *settings);
        if (!profile) return fail(each_field(profile.error()));
        if (const auto fits = config::check_place(*profile, config_, config_.apps); !fits)
            return fail(each_field(fits.error()));
        const auto former = store_.profile(*command.app, *command.profile);
        if (former && former->state == storage::apps::StoredProfile::State::retired) {
            if (const auto succeeds = config::check_successor(*command.app, *profile, former->settings_json);
                !succeeds)
                return fail(each_field(succeeds.error()));
        }
        const auto put = store_.put_profile(*command.app, *command.profile, json::canonical(*settings),
                                            storage::apps::Expected{}, actor_);
        if (!put) return fail(put.error());
        const auto* what = put->put == AppStore::Put::created   ? "created"
                           : put->put == AppStore::Put::changed ? "changed"
                                                                : "unchanged";
        out_ << fmt::format("profile {}  {}  version {}\n", put->profile.name.str(), what,
                            put->profile.version);
        return {};
    }

    Result<> delete_profile(const AppCommand& command) {
        const auto profile =
            store_.retire_profile(*command.app, *command.profile, storage::apps::Expected{}, actor_);
        if (!profile) return fail(profile.error());
        out_ << fmt::format("profile {}  retired\n", profile->name.str());
        return {};
    }

    static Result<std::string> read_settings(const std::string& name) {
        tl::expected<Descriptor, std::string> file =
            name == "-" ? Descriptor{::dup(STDIN_FILENO)} : config::open_small_file(name);
        auto text = file.and_then([](const Descriptor& opened) { return config::read_small_file(opened); });
        if (!text) return fail(ErrorCode::file_error, fmt::format("{} {}", name, text.error()));
        return std::move(*text);
    }

    /// With what is wrong with each field in the sentence.
    static Error each_field(Error error) {
        if (error.fields.empty()) return error;
        error.detail.clear();
        for (const auto& field : error.fields)
            error.detail += (error.detail.empty() ? "" : "; ") + field.detail;
        return error;
    }

    Result<> audit(const AppCommand& command) {
        const auto entries = store_.audit(command.app, std::nullopt, 200);
        if (!entries) return fail(entries.error());
        for (const auto& entry : *entries)
            out_ << fmt::format("{}  {:<14} {:<32} {:<30} {}\n", format_rfc3339(entry.at), entry.action,
                                entry.app.str(), entry.subject.value_or("-"), entry.actor);
        return {};
    }

    Secret new_secret() {
        std::array<std::uint8_t, 32> bytes{};
        random_.fill(std::as_writable_bytes(std::span{bytes}));
        return Secret{"whsec_" + base64(bytes)};
    }

    const config::Config& config_;
    AppStore& store_;
    Random& random_;
    std::ostream& out_;
    const storage::apps::Actor actor_{this_user(), ""};
};

}  // namespace

Result<> run_app_command(const config::Config& configured, const AppCommand& command, std::ostream& out) {
    const auto provided = provide(configured, local::PrivatePostgres::Sharing::allowed);
    if (!provided) return fail(provided.error());
    const auto& config = provided->config;
    CommandMachine around;
    const model::LiveApps apps{config.apps};
    const notifier::callbacks::UploadCallbacks composer(image_base_of(config), around.random,
                                                        recipients(apps));
    const auto opened =
        storage::records::Records::open(config.database, composer, around.clock, around.random);
    if (!opened) return fail(opened.error());
    AppStore store(*(*opened)->database);
    return Runner{config, store, around.random, out}.run(command);
}

}  // namespace photogate::gateway::system
