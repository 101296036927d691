#include "storage/records/migrate.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/records/database_error.hpp"
#include "storage/records/embedded_sql.hpp"
#include "storage/records/schema.hpp"
#include "storage/records/transaction.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

struct Known {
    Migration migration;
    const sql::SqlFile* file = nullptr;
};

std::vector<Known> known_migrations() {
    std::vector<Known> known;
    for (const auto& file : migrations_files()) {
        int version = 0;
        std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
        known.push_back({{version, std::string{file.name}}, &file});
    }
    std::sort(known.begin(), known.end(),
              [](const Known& a, const Known& b) { return a.migration.version < b.migration.version; });
    return known;
}

struct Applied {
    std::string name;
    std::string checksum;
};

pqxx::result run(Connection& connection, pqxx::transaction_base& work, const char* name,
                 const std::vector<std::string>& values = {}) {
    std::vector<const char*> texts;
    for (const auto& value : values)
        texts.push_back(value.c_str());
    return connection.run(work, name, texts);
}

std::map<int, Applied> applied_migrations(Connection& connection, pqxx::transaction_base& work) {
    std::map<int, Applied> applied;
    if (!run(connection, work, "migrations_exist")[0]["here"].as<bool>()) return applied;
    for (const auto& row : run(connection, work, "applied_migrations")) {
        applied[row["version"].as<int>()] = {row["name"].as<std::string>(),
                                             row["checksum"].as<std::string>()};
    }
    return applied;
}

std::string checksum_of(Connection& connection, pqxx::transaction_base& work, const sql::SqlFile& file) {
    return run(connection, work, "checksum", {std::string{file.text}})[0]["checksum"].as<std::string>();
}

/// What the database has must be what we know, to the letter.
Result<> check_history(Connection& connection, pqxx::transaction_base& work,
                       const std::map<int, Applied>& applied) {
    const auto known = known_migrations();
    for (const auto& [version, row] : applied) {
        const auto ours = std::find_if(known.begin(), known.end(),
                                       [v = version](const Known& k) { return k.migration.version == v; });
        if (ours == known.end()) {
            return fail(ErrorCode::invalid_configuration,
                        "the database's schema is ahead of this program (it has migration " + row.name +
                            "): run the newer photogate");
        }
        if (checksum_of(connection, work, *ours->file) != row.checksum) {
            return fail(ErrorCode::invalid_configuration,
                        "migration " + row.name + " was applied with another text than this program has");
        }
    }
    return {};
}

std::vector<Known> missing_migrations(const std::map<int, Applied>& applied) {
    auto missing = known_migrations();
    std::erase_if(missing, [&](const Known& k) { return applied.contains(k.migration.version); });
    return missing;
}

/// The next that is missing, in a transaction of its own under the lock; nothing where none is.
Result<std::optional<Migration>> apply_next(Connection& connection) {
    pqxx::work work{connection.raw()};
    connection.begin_shared(work);
    run(connection, work, "lock_migrations");
    // A statement that waits for a table holds up all who come after it.
    run(connection, work, "shorten_lock_timeout");
    run(connection, work, "create_schema_migrations");
    const auto applied = applied_migrations(connection, work);
    if (auto same = check_history(connection, work, applied); !same) return fail(same.error());
    const auto missing = missing_migrations(applied);
    if (missing.empty()) {
        work.commit();
        return std::nullopt;
    }
    const auto& [migration, file] = missing.front();
    work.exec(std::string{file->text});
    run(connection, work, "record_migration",
        {std::to_string(migration.version), migration.name, checksum_of(connection, work, *file)});
    failpoint::pass(failpoint::Point::mid_migration);
    work.commit();
    log::info("migration.applied", {{"version", migration.version}, {"name", migration.name}});
    return migration;
}

Result<std::vector<Migration>> apply_missing(Connection& connection) {
    std::vector<Migration> done;
    for (;;) {
        auto applied = apply_next(connection);
        if (!applied) return fail(std::move(applied.error()));
        if (!*applied) return done;
        done.push_back(std::move(**applied));
    }
}

Result<std::vector<Migration>> plan(Connection& connection) {
    pqxx::nontransaction work{connection.raw()};
    const auto applied = applied_migrations(connection, work);
    if (auto same = check_history(connection, work, applied); !same) return fail(same.error());
    std::vector<Migration> missing;
    for (const auto& next : missing_migrations(applied))
        missing.push_back(next.migration);
    return missing;
}

}  // namespace

Result<std::vector<Migration>> migrate(const std::string& database_url, MigrateMode mode, Pooler pooler) {
    try {
        ConnectionOptions options;
        options.database_url = database_url;
        // A migration may take its time, and waits for another process that migrates.
        options.statement_timeout = 10min;
        options.lock_timeout = 1min;
        options.pooler = pooler;
        Connection connection{options};
        return mode == MigrateMode::apply ? apply_missing(connection) : plan(connection);
    } catch (...) {
        return fail(translate(std::current_exception()).error);
    }
}

Result<> check_schema(Pool& pool) {
    return run_in(pool, Shape::single_statements, [](Transaction& transaction, Earlier) -> Result<> {
        const bool exists = transaction.run("migrations_exist")[0]["here"].as<bool>();
        int newest = 0;
        if (exists) {
            for (const auto& row : transaction.run("applied_migrations"))
                newest = std::max(newest, row["version"].as<int>());
        }
        const int ours = known_migrations().back().migration.version;
        if (newest < ours) {
            return fail(ErrorCode::invalid_configuration,
                        "the database's schema is at version " + std::to_string(newest) +
                            " and this program needs " + std::to_string(ours) + ": run `photogate migrate`");
        }
        if (newest > ours) {
            return fail(ErrorCode::invalid_configuration,
                        "the database's schema is at version " + std::to_string(newest) +
                            ", ahead of this program (" + std::to_string(ours) +
                            "): run the newer photogate; `photogate migrate` does not go back");
        }
        return {};
    });
}

}  // namespace photogate::storage::records
