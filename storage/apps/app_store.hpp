// Apps, profiles, API keys and callback secrets that operators make while gateways run.
//
// Every change is one transaction with its entry in the audit log, and wakes the other gateways when it commits
// (records::Work::apps). A key is kept as its hash alone; what it was is known to nobody but who made it. Whether an app is one
// of the configuration is not known here: profiles, keys and secrets may be of any app.
//
// Of two who change a profile at once the later one wins, unless it says which version it means to replace. A profile that is
// deleted is retired, not removed: uploads that were made with it go on by it. It is removed when the app needs the place and
// no upload has it any more.
//
// Errors: app_not_found, app_exists, key_not_found (a secret too), too_many_keys (secrets too), profile_not_found,
// too_many_profiles, precondition_failed; those of storage/records/database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::apps {

/// That live at once, of one app: one, and its successor.
inline constexpr std::size_t kMostLive = 2;
/// Active, of one app; and with those that are retired.
inline constexpr std::size_t kMostProfiles = 64;
inline constexpr std::size_t kMostKeptProfiles = 256;

struct StoredApp {
    AppName name;
    AppName profiles_of;  ///< the app of the configuration whose profiles and limits it has
    std::optional<std::string> callback_url;
    enum class State { active, disabled } state = State::active;
    Timestamp created_at;
    Timestamp changed_at;
};

/// `key_` or `sec_` + as UploadId: ids sort by the time of their making.
struct StoredKey {
    std::string id;
    AppName app;
    std::string hash;  ///< `sha256:…`
    std::string hint;  ///< the last characters of the key
    std::string created_by;
    Timestamp created_at;
    std::optional<Timestamp> revoked_at;
};

struct StoredSecret {
    std::string id;
    AppName app;
    Secret secret;  ///< `whsec_…`; empty where it is only listed
    std::string created_by;
    Timestamp created_at;
    std::optional<Timestamp> revoked_at;
};

struct StoredProfile {
    AppName app;
    ProfileName name;
    std::string settings_json;  ///< an object, as [apps.NAME.profiles.NAME]
    enum class State { active, retired } state = State::active;
    std::int64_t version = 0;  ///< greater with each change, also of one that is made anew under its name
    std::string created_by;
    Timestamp created_at;
    std::string changed_by;
    Timestamp changed_at;
};

/// Which profile a change is meant for; `any`: as it is, or none.
struct Expected {
    enum class What { any, absent, present, one_of } what = What::any;
    std::vector<std::int64_t> versions = {};
};

/// What counts now: every app and profile, and of keys and secrets those that are live, secrets the newest first.
struct InForce {
    std::int64_t version = 0;
    std::vector<StoredApp> apps;
    std::vector<StoredKey> keys;
    std::vector<StoredSecret> secrets;
    std::vector<StoredProfile> profiles;  ///< the retired ones too
};

/// The revoked ones too, the newest first, 100 of each.
struct Credentials {
    std::vector<StoredKey> keys;
    std::vector<StoredSecret> secrets;
};

/// Who makes a change.
struct Actor {
    std::string name;        ///< `operator:ops`, `cli:root@host`
    std::string request_id;  ///< empty: none
};

struct AuditEntry {
    std::int64_t id = 0;
    Timestamp at;
    std::string actor;
    std::string
        action;  ///< app.created, app.changed, app.disabled, app.enabled, key.created, key.revoked, secret.…,
                 ///< profile.created, profile.changed, profile.deleted
    AppName app;
    std::optional<std::string> subject;  ///< the key's or secret's id, the profile's name
    std::string detail_json;
    std::optional<std::string> request_id;
};

struct DayOfUse {
    std::string day;  ///< 2026-11-30, UTC
    std::uint64_t uploads = 0;
    std::uint64_t published = 0;
    std::uint64_t bytes = 0;     ///< of objects that arrived
    std::uint64_t versions = 0;  ///< made on that day, of uploads of any day
};

struct OpenOfApp {
    AppName app;
    std::uint64_t uploads = 0;
    std::uint64_t bytes = 0;  ///< declared
};

struct NewApp {
    AppName name;
    AppName profiles_of;
    std::optional<std::string> callback_url;
};

struct NewKey {
    std::string hash;
    std::string hint;
};

/// nullopt: it stays as it is.
struct AppChange {
    std::optional<StoredApp::State> state;
    std::optional<std::optional<std::string>> callback_url;
};

class AppStore {
  public:
    explicit AppStore(records::Database& database);

    /// Of everything in force; it grows with each change.
    Result<std::int64_t> version();
    Result<InForce> in_force();
    Result<std::vector<StoredApp>> all();
    Result<StoredApp> find(const AppName& app);
    Result<Credentials> credentials(const AppName& app);

    struct Created {
        StoredApp app;
        StoredKey key;
        StoredSecret secret;
    };
    /// With its first key and callback secret.
    Result<Created> create(const NewApp& app, const NewKey& key, const Secret& secret, const Actor& actor);
    Result<StoredApp> change(const AppName& app, const AppChange& change, const Actor& actor);
    Result<StoredKey> add_key(const AppName& app, const NewKey& key, const Actor& actor);
    /// One that is revoked already stays so.
    Result<StoredKey> revoke_key(const AppName& app, const std::string& id, const Actor& actor);
    Result<StoredSecret> add_secret(const AppName& app, const Secret& secret, const Actor& actor);
    Result<StoredSecret> revoke_secret(const AppName& app, const std::string& id, const Actor& actor);

    /// By name, the retired ones too.
    Result<std::vector<StoredProfile>> profiles(const AppName& app);
    Result<StoredProfile> profile(const AppName& app, const ProfileName& name);
    enum class Put { created, changed, unchanged };
    struct PutProfile {
        StoredProfile profile;
        Put put = Put::created;
    };
    /// Where it has these very settings already, nothing changes.
    Result<PutProfile> put_profile(const AppName& app, const ProfileName& name,
                                   const std::string& settings_json, const Expected& expected,
                                   const Actor& actor);
    /// One that is retired already stays so.
    Result<StoredProfile> retire_profile(const AppName& app, const ProfileName& name,
                                         const Expected& expected, const Actor& actor);

    /// The newest first. `before`: an entry's id; nullopt: from the newest.
    Result<std::vector<AuditEntry>> audit(const std::optional<AppName>& app,
                                          std::optional<std::int64_t> before, std::size_t most);
    /// Days on which something was created or made, the earliest first.
    Result<std::vector<DayOfUse>> usage(const AppName& app, Timestamp from, Timestamp until);

    /// Of these apps: uploads that were granted and have not arrived. Apps without any are not among them.
    Result<std::vector<OpenOfApp>> open_uploads(const std::vector<AppName>& apps);

    /// Until something may have changed here or elsewhere, at most that long.
    void wait_for_change(std::chrono::milliseconds most);

  private:
    std::string make_id(std::string_view prefix);
    records::DatabaseState& state_;
};

std::string_view to_string(StoredApp::State state);
std::string_view to_string(StoredProfile::State state);

}  // namespace photogate::storage::apps
