// The apps, profiles, keys and secrets in force: those of the configuration as it was read last, and beside them those that operators
// made through the API.
//
// An app of the API has the profiles and limits of an app of the configuration, as that has them now. Where both know a
// name, the configuration's app is meant, with the API's keys and secrets beside its own. A profile of the API is of one app
// alone, and stands beside those of the configuration, which are meant where both know a name; uploads that name no profile
// go where they went without it. One that was deleted rules the uploads that it has. Whoever asks reads a snapshot
// (Live), so that a change touches no request that is under way.
//
// What was made through the API is read again whenever another gateway tells of a change, and its version every second in
// any case. While the database can't be reached, what was known stays in force.
//
// Thread safety: any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/access/image_links.hpp"
#include "gateway/config/config.hpp"
#include "model/policy/profile.hpp"
#include "pipeline/stop_signal.hpp"
#include "storage/apps/app_store.hpp"

namespace photogate::gateway::system {

struct ReadProfile {
    std::int64_t version = 0;
    std::shared_ptr<const model::Profile> profile;
};
using ReadProfiles = std::map<std::pair<AppName, ProfileName>, ReadProfile>;
/// Those of `stored`, by the rules of the configuration. What `earlier` has at the same version is not read again. One that
/// can't be read is unreadable, and the log says why.
ReadProfiles read_profiles(const storage::apps::InForce& stored, const ReadProfiles& earlier = {});

class Registry {
  public:
    explicit Registry(const config::Config& config);
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// From now on the apps and keys of `config` are in force, and links of apps without secrets are signed with those
    /// derived from `roots`; without any, no links are signed.
    void use(const config::Config& config, std::vector<Secret> roots);

    /// Reads what was made through the API, and goes on to do so whenever it changes. `store` outlives stop(). Once.
    Result<> follow(storage::apps::AppStore& store);
    /// Reads it now, if it has changed. Errors: those of the records.
    Result<> refresh();
    void stop();

    const model::LiveApps& apps() const { return apps_; }
    const access::LiveKeys& keys() const { return keys_; }
    const access::LiveLinkKeys& link_keys() const { return link_keys_; }

  private:
    void publish();  ///< holds the mutex
    void watch();

    std::mutex mutex_;
    std::mutex reading_;  ///< before mutex_
    model::Apps configured_;
    access::KeyRing configured_keys_;
    std::vector<Secret> roots_;
    storage::apps::InForce stored_;
    ReadProfiles profiles_;  ///< of stored_
    storage::apps::AppStore* store_ = nullptr;
    model::LiveApps apps_;
    access::LiveKeys keys_;
    access::LiveLinkKeys link_keys_;
    pipeline::StopSignal stop_;
    std::thread watcher_;
};

/// The apps of the configuration and those of the API as one. What can't be used is left out: an app whose
/// `profiles_of` is no longer configured, a profile whose name the configuration has, and a secret that is none.
model::Apps merged(const model::Apps& configured, const storage::apps::InForce& stored,
                   const ReadProfiles& profiles);
inline model::Apps merged(const model::Apps& configured, const storage::apps::InForce& stored) {
    return merged(configured, stored, read_profiles(stored));
}
/// Likewise their keys.
access::KeyRing merged(const access::KeyRing& configured, const model::Apps& apps,
                       const storage::apps::InForce& stored);

}  // namespace photogate::gateway::system
