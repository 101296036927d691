#include "storage/apps/app_store.hpp"

#include <utility>

#include <pqxx/pqxx>

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

constexpr std::string_view kUploadPrefix = "upl_";

StoredApp::State parse_state(const std::string& word) {
    if (word == "active") return StoredApp::State::active;
    if (word == "disabled") return StoredApp::State::disabled;
    throw UnknownWord{word};
}

StoredApp to_app(const Columns& columns, const pqxx::row& row) {
    StoredApp app;
    app.name = AppName::trusted(columns.text(row, "name"));
    app.profiles_of = AppName::trusted(columns.text(row, "profiles_of"));
    app.callback_url = columns.maybe_text(row, "callback_url");
    app.state = parse_state(columns.text(row, "state"));
    app.created_at = columns.time(row, "created_at");
    app.changed_at = columns.time(row, "changed_at");
    return app;
}

StoredKey to_key(const Columns& columns, const pqxx::row& row) {
    return {columns.text(row, "id"),
            AppName::trusted(columns.text(row, "app")),
            columns.text(row, "hash"),
            columns.text(row, "hint"),
            columns.text(row, "created_by"),
            columns.time(row, "created_at"),
            columns.maybe_time(row, "revoked_at")};
}

StoredSecret to_secret(const Columns& columns, const pqxx::row& row) {
    return {columns.text(row, "id"),
            AppName::trusted(columns.text(row, "app")),
            Secret{columns.text(row, "secret")},
            columns.text(row, "created_by"),
            columns.time(row, "created_at"),
            columns.maybe_time(row, "revoked_at")};
}

tl::unexpected<Error> no_such_app() {
    return fail(ErrorCode::app_not_found, "no app of this name was made through the API");
}

Result<> admit(const Change& change, const char* count, const AppName& app, const char* what) {
    const auto rows = change.transaction.run(statements(), count, params(app.str()));
    if (rows[0][0].as<std::size_t>() < kMostLive) return {};
    return fail(ErrorCode::too_many_keys,
                std::string{"the app has two live "} + what + ": revoke the older one first");
}

void insert(const Change& change, const StoredKey& key) {
    change.transaction.run(statements(), "insert_app_key",
                           params(key.id, key.app.str(), key.hash, key.hint, key.created_by, change.now));
    change.log("key.created", key.app, key.id);
}

void insert(const Change& change, const StoredSecret& secret) {
    change.transaction.run(
        statements(), "insert_app_secret",
        params(secret.id, secret.app.str(), secret.secret.reveal(), secret.created_by, change.now));
    change.log("secret.created", secret.app, secret.id);
}

}  // namespace

std::string_view to_string(StoredApp::State state) {
    return state == StoredApp::State::active ? "active" : "disabled";
}

AppStore::AppStore(records::Database& database) : state_(database.state()) {}

std::string AppStore::make_id(std::string_view prefix) {
    const std::lock_guard lock{state_.random_mutex};
    const auto like = make_upload_id(state_.clock.now(), state_.random).str();
    return std::string{prefix}.append(like, kUploadPrefix.size());
}

Result<std::int64_t> AppStore::version() {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::int64_t> {
        return transaction.run(statements(), "apps_version")[0][0].as<std::int64_t>();
    });
}

/// The version is read first: what changes meanwhile is read again.
Result<InForce> AppStore::in_force() {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<InForce> {
        InForce now;
        now.version = transaction.run(statements(), "apps_version")[0][0].as<std::int64_t>();
        now.apps = all_of(transaction.run(statements(), "all_apps"), to_app);
        now.keys = all_of(transaction.run(statements(), "live_app_keys"), to_key);
        now.secrets = all_of(transaction.run(statements(), "live_app_secrets"), to_secret);
        now.profiles = all_of(transaction.run(statements(), "all_app_profiles"), to_profile);
        return now;
    });
}

Result<std::vector<StoredApp>> AppStore::all() {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<StoredApp>> {
        return all_of(transaction.run(statements(), "all_apps"), to_app);
    });
}

Result<StoredApp> AppStore::find(const AppName& app) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<StoredApp> {
        auto found = one_of(transaction.run(statements(), "find_app", params(app.str())), to_app);
        if (!found) return no_such_app();
        return std::move(*found);
    });
}

Result<Credentials> AppStore::credentials(const AppName& app) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<Credentials> {
        return Credentials{
            all_of(transaction.run(statements(), "keys_of_app", params(app.str())), to_key),
            all_of(transaction.run(statements(), "secrets_of_app", params(app.str())), to_secret)};
    });
}

Result<AppStore::Created> AppStore::create(const NewApp& app, const NewKey& key, const Secret& secret,
                                           const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    const Created made{{app.name, app.profiles_of, app.callback_url, StoredApp::State::active, now, now},
                       {make_id("key_"), app.name, key.hash, key.hint, actor.name, now, {}},
                       {make_id("sec_"), app.name, secret, actor.name, now, {}}};
    return database::transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<Created> {
        const Change change{transaction, actor, now};
        change.begin();
        if (earlier == Earlier::in_doubt &&
            !transaction.run(statements(), "find_app_key", params(made.key.id)).empty())
            return made;
        if (transaction
                .run(statements(), "insert_app",
                     params(app.name.str(), app.profiles_of.str(), app.callback_url, now))
                .empty())
            return fail(ErrorCode::app_exists, "an app of this name was made before");
        change.log("app.created", app.name);
        insert(change, made.key);
        insert(change, made.secret);
        return made;
    });
}

Result<StoredApp> AppStore::change(const AppName& name, const AppChange& wanted, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    return database::transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<StoredApp> {
        const Change change{transaction, actor, now};
        change.begin();
        auto app = one_of(transaction.run(statements(), "find_app", params(name.str())), to_app);
        if (!app) return no_such_app();
        const auto state = wanted.state.value_or(app->state);
        const auto url = wanted.callback_url.value_or(app->callback_url);
        if (state != app->state)
            change.log(state == StoredApp::State::disabled ? "app.disabled" : "app.enabled", name);
        if (url != app->callback_url) change.log("app.changed", name, {}, R"({"changed": "callback_url"})");
        if (state == app->state && url == app->callback_url) return std::move(*app);
        transaction.run(statements(), "update_app", params(name.str(), to_string(state), url, now));
        app->state = state;
        app->callback_url = url;
        app->changed_at = now;
        return std::move(*app);
    });
}

Result<StoredKey> AppStore::add_key(const AppName& app, const NewKey& key, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    const StoredKey made{make_id("key_"), app, key.hash, key.hint, actor.name, now, {}};
    return database::transact(
        state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<StoredKey> {
            const Change change{transaction, actor, now};
            change.begin();
            if (earlier == Earlier::in_doubt &&
                !transaction.run(statements(), "find_app_key", params(made.id)).empty())
                return made;
            if (auto room = admit(change, "count_live_app_keys", app, "keys of the API"); !room)
                return fail(std::move(room.error()));
            insert(change, made);
            return made;
        });
}

Result<StoredKey> AppStore::revoke_key(const AppName& app, const std::string& id, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    return database::transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<StoredKey> {
        const Change change{transaction, actor, now};
        change.begin();
        if (!transaction.run(statements(), "revoke_app_key", params(id, app.str(), now)).empty())
            change.log("key.revoked", app, id);
        auto key = one_of(transaction.run(statements(), "find_app_key", params(id)), to_key);
        if (!key || key->app != app) return fail(ErrorCode::key_not_found, "the app has no key of this id");
        return std::move(*key);
    });
}

Result<StoredSecret> AppStore::add_secret(const AppName& app, const Secret& secret, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    const StoredSecret made{make_id("sec_"), app, secret, actor.name, now, {}};
    return database::transact(
        state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<StoredSecret> {
            const Change change{transaction, actor, now};
            change.begin();
            if (earlier == Earlier::in_doubt &&
                !transaction.run(statements(), "find_app_secret", params(made.id)).empty())
                return made;
            if (auto room = admit(change, "count_live_app_secrets", app, "callback secrets of the API");
                !room)
                return fail(std::move(room.error()));
            insert(change, made);
            return made;
        });
}

Result<StoredSecret> AppStore::revoke_secret(const AppName& app, const std::string& id, const Actor& actor) {
    const Timestamp now{state_.clock.now()};
    return database::transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<StoredSecret> {
        const Change change{transaction, actor, now};
        change.begin();
        if (!transaction.run(statements(), "revoke_app_secret", params(id, app.str(), now)).empty())
            change.log("secret.revoked", app, id);
        auto secret = one_of(transaction.run(statements(), "find_app_secret", params(id)), to_secret);
        if (!secret || secret->app != app)
            return fail(ErrorCode::key_not_found, "the app has no callback secret of this id");
        return std::move(*secret);
    });
}

Result<std::vector<AuditEntry>> AppStore::audit(const std::optional<AppName>& app,
                                                std::optional<std::int64_t> before, std::size_t most) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<AuditEntry>> {
        const auto rows =
            transaction.run(statements(), "list_app_audit", params(records::text_of(app), before, most));
        const Columns columns{rows};
        std::vector<AuditEntry> entries;
        for (const auto& row : rows)
            entries.push_back({columns.number(row, "id"), columns.time(row, "at"), columns.text(row, "actor"),
                               columns.text(row, "action"), AppName::trusted(columns.text(row, "app")),
                               columns.maybe_text(row, "subject"), columns.text(row, "detail"),
                               columns.maybe_text(row, "request_id")});
        return entries;
    });
}

Result<std::vector<DayOfUse>> AppStore::usage(const AppName& app, Timestamp from, Timestamp until) {
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<DayOfUse>> {
        const auto rows = transaction.run(
            statements(), "app_usage",
            params(app.str(), records::least_id(kUploadPrefix, std::optional{from}), from, until));
        const Columns columns{rows};
        const auto count = [&](const pqxx::row& row, const char* name) {
            return static_cast<std::uint64_t>(columns.number(row, name));
        };
        std::vector<DayOfUse> days;
        for (const auto& row : rows)
            days.push_back({columns.text(row, "day"), count(row, "uploads"), count(row, "published"),
                            count(row, "bytes"), count(row, "versions")});
        return days;
    });
}

Result<std::vector<OpenOfApp>> AppStore::open_uploads(const std::vector<AppName>& apps) {
    database::SqlArray names;
    for (const auto& app : apps)
        names.add(app.str());
    return database::read(state_.pool, [&](Transaction& transaction) -> Result<std::vector<OpenOfApp>> {
        const auto rows = transaction.run(statements(), "open_uploads_of_apps", params(names));
        const Columns columns{rows};
        std::vector<OpenOfApp> open;
        for (const auto& row : rows)
            open.push_back({AppName::trusted(columns.text(row, "app")),
                            static_cast<std::uint64_t>(columns.number(row, "uploads")),
                            static_cast<std::uint64_t>(columns.number(row, "bytes"))});
        return open;
    });
}

void AppStore::wait_for_change(std::chrono::milliseconds most) {
    state_.wakeups.wait(records::Work::apps, most);
}

}  // namespace photogate::storage::apps
