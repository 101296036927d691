#include "gateway/system/registry.hpp"

#include <iterator>
#include <utility>

#include "base/json/value.hpp"
#include "base/log.hpp"
#include "gateway/config/profile_settings.hpp"
#include "gateway/system/link_keys.hpp"

namespace photogate::gateway::system {

namespace {

using storage::apps::StoredProfile;

constexpr std::chrono::milliseconds kAskEvery{500};

/// Its rules are not known: what it has waits, and nobody sees more than before.
model::Profile unreadable(const ProfileName& name) {
    model::Profile profile;
    profile.name = name;
    profile.state = model::Profile::State::unreadable;
    profile.delivery.audience = model::DeliveryPolicy::Audience::link_holders;
    return profile;
}

model::Profile read_stored(const StoredProfile& stored) {
    const auto settings = json::read(stored.settings_json, config::kProfileBounds);
    auto profile = settings ? config::read_profile(stored.app, stored.name, *settings)
                            : Result<model::Profile>{fail(settings.error())};
    if (!profile) {
        log::error("profile.not_read", {{"app", stored.app.str()},
                                        {"profile", stored.name.str()},
                                        {"version", stored.version},
                                        {"detail", profile.error().detail}});
        profile = unreadable(stored.name);
    }
    profile->version = stored.version;
    const bool is_readable = profile->state == model::Profile::State::active;
    if (is_readable && stored.state == StoredProfile::State::retired)
        profile->state = model::Profile::State::retired;
    return std::move(*profile);
}

/// Uploads that name no profile go where they went before one was added.
void keep_default(model::App& app) {
    const bool has_only_one =
        app.profiles.size() == 1 && !app.profiles.contains(ProfileName::trusted("default"));
    if (!app.default_profile && has_only_one) app.default_profile = app.profiles.begin()->first;
}

void add_profiles(model::Apps& apps, const ReadProfiles& profiles) {
    for (const auto& [place, read] : profiles) {
        const auto& [app_name, name] = place;
        const auto found = apps.find(app_name);
        if (found == apps.end()) continue;
        auto& app = found->second;
        keep_default(app);
        const auto [at, added] = app.profiles.emplace(name, *read.profile);
        if (added)
            at->second.hooks = app.hooks;
        else if (read.profile->state == model::Profile::State::active)
            log::warn("profile.not_used",
                      {{"app", app_name.str()},
                       {"profile", name.str()},
                       {"detail", "a profile of the configuration has this name, and is meant by it"}});
    }
}

}  // namespace

ReadProfiles read_profiles(const storage::apps::InForce& stored, const ReadProfiles& earlier) {
    ReadProfiles profiles;
    for (const auto& each : stored.profiles) {
        const std::pair place{each.app, each.name};
        const auto known = earlier.find(place);
        if (known != earlier.end() && known->second.version == each.version)
            profiles.emplace(place, known->second);
        else
            profiles.emplace(
                place, ReadProfile{each.version, std::make_shared<const model::Profile>(read_stored(each))});
    }
    return profiles;
}

model::Apps merged(const model::Apps& configured, const storage::apps::InForce& stored,
                   const ReadProfiles& profiles) {
    using storage::apps::StoredApp;
    model::Apps apps = configured;
    for (const auto& made : stored.apps) {
        const auto like = configured.find(made.profiles_of);
        if (configured.contains(made.name) || like == configured.end()) {
            log::warn("app.not_used",
                      {{"app", made.name.str()},
                       {"detail", configured.contains(made.name)
                                      ? "an app of the configuration has this name, and is meant by it"
                                      : "the app whose profiles it has is not in the configuration"}});
            continue;
        }
        model::App app = like->second;
        app.name = made.name;
        app.callback_url = made.callback_url;
        app.callback_secrets.clear();
        app.link_secrets.clear();
        if (made.state == StoredApp::State::disabled) app.state = model::App::State::disabled;
        apps.emplace(made.name, std::move(app));
    }
    add_profiles(apps, profiles);
    std::map<AppName, std::vector<signer::WebhookSecret>> secrets;  // the newest first
    for (const auto& made : stored.secrets) {
        if (auto secret = signer::WebhookSecret::parse(made.secret))
            secrets[made.app].push_back(std::move(*secret));
    }
    for (auto& [name, more] : secrets) {
        const auto app = apps.find(name);
        if (app == apps.end()) continue;
        auto& all = app->second.callback_secrets;
        all.insert(all.begin(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    return apps;
}

access::KeyRing merged(const access::KeyRing& configured, const model::Apps& apps,
                       const storage::apps::InForce& stored) {
    access::KeyRing keys = configured;
    for (const auto& made : stored.keys) {
        const auto hash = access::parse_api_key_line(made.hash);
        if (!hash || !apps.contains(made.app)) continue;
        (void)keys.add(*hash, {made.app, access::Role::app});  // one that is configured too is one key
    }
    for (const auto& [name, app] : apps) {
        if (app.state == model::App::State::disabled) keys.disable(name);
    }
    return keys;
}

Registry::Registry(const config::Config& config)
    : configured_(config.apps),
      configured_keys_(config.keys),
      apps_(config.apps),
      keys_(config.keys),
      link_keys_(access::LinkKeys{{}}) {}

Registry::~Registry() {
    stop();
}

void Registry::use(const config::Config& config, std::vector<Secret> roots) {
    const std::lock_guard lock{mutex_};
    configured_ = config.apps;
    configured_keys_ = config.keys;
    roots_ = std::move(roots);
    publish();
}

Result<> Registry::follow(storage::apps::AppStore& store) {
    store_ = &store;
    if (auto read = refresh(); !read) return read;
    watcher_ = std::thread([this] { watch(); });
    return {};
}

Result<> Registry::refresh() {
    const std::lock_guard one{reading_};
    const auto version = store_->version();
    if (!version) return fail(version.error());
    {
        const std::lock_guard lock{mutex_};
        if (*version == stored_.version) return {};
    }
    auto read = store_->in_force();
    if (!read) return fail(std::move(read.error()));
    const std::lock_guard lock{mutex_};
    stored_ = std::move(*read);
    profiles_ = read_profiles(stored_, profiles_);
    publish();
    return {};
}

void Registry::watch() {
    while (!stop_.stopped()) {
        const auto until = std::chrono::steady_clock::now() + kAskEvery;
        store_->wait_for_change(kAskEvery);
        if (stop_.stopped()) return;
        const auto read = refresh();
        if (!read) log::warn("apps.not_read", {{"error", read.error().detail}});
        // Of records that are being closed the wait returns at once.
        if (!read) (void)stop_.wait_until(until);
    }
}

void Registry::stop() {
    stop_.stop();
    if (watcher_.joinable()) watcher_.join();
}

/// An app is known before its keys are.
void Registry::publish() {
    auto apps = merged(configured_, stored_, profiles_);
    auto keys = merged(configured_keys_, apps, stored_);
    if (!roots_.empty()) link_keys_.replace(system::link_keys(apps, roots_));
    apps_.replace(std::move(apps));
    keys_.replace(std::move(keys));
}

}  // namespace photogate::gateway::system
