// Profiles that operators make: put, changed and retired, each at the version that is meant.
#include <algorithm>
#include <utility>

#include <pqxx/pqxx>

#include "storage/apps/app_store.hpp"
#include "storage/apps/change.hpp"
#include "storage/apps/embedded_sql.hpp"
#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/rows.hpp"

namespace photogate::storage::apps {

using database::Columns;
using database::Earlier;
using database::params;
using database::Transaction;
using records::UnknownWord;

namespace {

StoredProfile::State parse_profile_state(const std::string& word) {
    if (word == "active") return StoredProfile::State::active;
    if (word == "retired") return StoredProfile::State::retired;
    throw UnknownWord{word};
}

tl::unexpected<Error> no_such_profile() {
    return fail(ErrorCode::profile_not_found, "no profile of this name was made for the app");
}

/// A retired profile is none to who makes one of its name.
Result<> hold_to(const Expected& expected, const std::optional<StoredProfile>& found) {
    const bool present = found && found->state == StoredProfile::State::active;
    const auto at_version = [&] { return "version " + std::to_string(found->version); };
    if (expected.what == Expected::What::any) return {};
    if (expected.what == Expected::What::absent) {
        if (!present) return {};
        return fail(ErrorCode::precondition_failed,
                    "the app has a profile of this name already, at " + at_version());
    }
    if (!present)
        return fail(ErrorCode::precondition_failed,
                    "no profile of this name was made for the app, so there is none to change");
    const auto& versions = expected.versions;
    const bool is_one = std::find(versions.begin(), versions.end(), found->version) != versions.end();
    if (is_one || expected.what == Expected::What::present) return {};
    return fail(ErrorCode::precondition_failed,
                "the profile was changed meanwhile: it is at " + at_version() + "; read it, and change that");
}

std::optional<StoredProfile> find_profile(const Change& change, const AppName& app, const ProfileName& name) {
    return one_of(change.transaction.run(statements(), "find_app_profile", params(app.str(), name.str())),
                  to_profile);
}

Result<> admit_profile(const Change& change, const AppName& app, const std::optional<StoredProfile>& found) {
    if (found && found->state == StoredProfile::State::active) return {};
    const auto count = [&] {
        const auto rows = change.transaction.run(statements(), "count_app_profiles", params(app.str()));
        return std::pair{rows[0][0].as<std::size_t>(), rows[0][1].as<std::size_t>()};
    };
    const auto [active, kept] = count();
    if (active >= kMostProfiles)
        return fail(ErrorCode::too_many_profiles, "the app has " + std::to_string(kMostProfiles) +
                                                      " profiles that were made for it: delete one first");
    if (found || kept < kMostKeptProfiles) return {};
    change.transaction.run(statements(), "remove_unused_app_profiles", params(app.str(), change.now));
    if (count().second < kMostKeptProfiles) return {};
    return fail(ErrorCode::too_many_profiles,
                "the app has " + std::to_string(kMostKeptProfiles) +
                    " profiles, most of them deleted and kept for their uploads: use one of their names "
                    "again");
}

}  // namespace

StoredProfile to_profile(const Columns& columns, const pqxx::row& row) {
    StoredProfile profile;
    profile.app = AppName::trusted(columns.text(row, "app"));
    profile.name = ProfileName::trusted(columns.text(row, "name"));
    profile.settings_json = columns.text(row, "settings");
    profile.state = parse_profile_state(columns.text(row, "state"));
    profile.version = columns.number(row, "version");
    profile.created_by = columns.text(row, "created_by");
    profile.created_at = columns.time(row, "created_at");
    profile.changed_by = columns.text(row, "changed_by");
    profile.changed_at = columns.time(row, "changed_at");
    return profile;
}

std::string_view to_string(StoredProfile::State state) {
    return state == StoredProfile::State::active ? "active" : "retired";
}

Result<std::vector<StoredProfile>> AppStore::profiles(const AppName& app) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<StoredProfile>> {
        return all_of(transaction.run(statements(), "profiles_of_app", params(app.str())), to_profile);
    });
}

Result<StoredProfile> AppStore::profile(const AppName& app, const ProfileName& name) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<StoredProfile> {
        auto found = one_of(transaction.run(statements(), "find_app_profile", params(app.str(), name.str())),
                            to_profile);
        if (!found) return no_such_profile();
        return std::move(*found);
    });
}

Result<AppStore::PutProfile> AppStore::put_profile(const AppName& app, const ProfileName& name,
                                                   const std::string& settings_json, const Expected& expected,
                                                   const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    return database::transact(
        state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<PutProfile> {
            const Change change{transaction, actor, now};
            const auto version = change.begin();
            const auto found = find_profile(change, app, name);
            const bool is_there = found && found->state == StoredProfile::State::active;
            const bool is_same = is_there && found->settings_json == settings_json;
            if (earlier == Earlier::in_doubt && is_same && found->changed_by == actor.name)
                return PutProfile{*found,
                                  found->created_at == found->changed_at ? Put::created : Put::changed};
            if (auto meant = hold_to(expected, found); !meant) return fail(std::move(meant.error()));
            if (is_same) return PutProfile{*found, Put::unchanged};
            if (auto room = admit_profile(change, app, found); !room) return fail(std::move(room.error()));
            StoredProfile profile{app,
                                  name,
                                  settings_json,
                                  StoredProfile::State::active,
                                  version,
                                  is_there ? found->created_by : actor.name,
                                  is_there ? found->created_at : now,
                                  actor.name,
                                  now};
            transaction.run(statements(), "put_app_profile",
                            params(app.str(), name.str(), settings_json, version, profile.created_by,
                                   profile.created_at, actor.name, now));
            change.log(is_there ? "profile.changed" : "profile.created", app, name.str(),
                       R"({"version": )" + std::to_string(version) + "}");
            return PutProfile{std::move(profile), is_there ? Put::changed : Put::created};
        });
}

Result<StoredProfile> AppStore::retire_profile(const AppName& app, const ProfileName& name,
                                               const Expected& expected, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    return database::transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<StoredProfile> {
        const Change change{transaction, actor, now};
        const auto version = change.begin();
        auto found = find_profile(change, app, name);
        if (!found) return no_such_profile();
        if (found->state == StoredProfile::State::retired) return std::move(*found);
        if (auto meant = hold_to(expected, found); !meant) return fail(std::move(meant.error()));
        transaction.run(statements(), "retire_app_profile",
                        params(app.str(), name.str(), version, actor.name, now));
        change.log("profile.deleted", app, name.str(), R"({"version": )" + std::to_string(version) + "}");
        found->state = StoredProfile::State::retired;
        found->version = version;
        found->changed_by = actor.name;
        found->changed_at = now;
        return std::move(*found);
    });
}

}  // namespace photogate::storage::apps
