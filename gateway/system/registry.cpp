#include "gateway/system/registry.hpp"

#include <iterator>
#include <utility>

#include "base/log.hpp"
#include "gateway/system/link_keys.hpp"

namespace photogate::gateway::system {

namespace {

constexpr std::chrono::milliseconds kAskEvery{500};

}  // namespace

model::Apps merged(const model::Apps& configured, const storage::apps::InForce& stored) {
    using storage::apps::StoredApp;
    model::Apps apps = configured;
    for (const auto& made : stored.apps) {
        const auto profiles = configured.find(made.profiles_of);
        if (configured.contains(made.name) || profiles == configured.end()) {
            log::warn("app.not_used",
                      {{"app", made.name.str()},
                       {"detail", configured.contains(made.name)
                                      ? "an app of the configuration has this name, and is meant by it"
                                      : "the app whose profiles it has is not in the configuration"}});
            continue;
        }
        model::App app = profiles->second;
        app.name = made.name;
        app.callback_url = made.callback_url;
        app.callback_secrets.clear();
        app.link_secrets.clear();
        if (made.state == StoredApp::State::disabled) app.state = model::App::State::disabled;
        apps.emplace(made.name, std::move(app));
    }
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
    auto apps = merged(configured_, stored_);
    auto keys = merged(configured_keys_, apps, stored_);
    if (!roots_.empty()) link_keys_.replace(system::link_keys(apps, roots_));
    apps_.replace(std::move(apps));
    keys_.replace(std::move(keys));
}

}  // namespace photogate::gateway::system
