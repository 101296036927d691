#include "storage/database/migrate.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/embedded_sql.hpp"
#include "storage/database/schema.hpp"
#include "storage/database/transaction.hpp"

namespace photogate::storage::database {
namespace {

using namespace std::chrono_literals;

struct Known {
    Migration migration;
    const sql::SqlFile* file = nullptr;
};

std::vector<Known> known_migrations(const std::vector<sql::SqlFile>& files) {
    std::vector<Known> known;
    for (const auto& file : files) {
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
    ParameterTexts texts;
    for (const auto& value : values)
        texts.push_back(value.c_str());
    return connection.run(work, statements(), name, texts);
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
Result<> check_history(Connection& connection, pqxx::transaction_base& work, const std::vector<Known>& known,
                       const std::map<int, Applied>& applied) {
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

std::vector<Known> missing_migrations(std::vector<Known> known, const std::map<int, Applied>& applied) {
    std::erase_if(known, [&](const Known& k) { return applied.contains(k.migration.version); });
    return known;
}

/// What would hold locks or a snapshot for long is done bit by bit: the text is run, in a transaction each time, until its
/// last statement changes no row.
bool is_in_steps(const sql::SqlFile& file) {
    return file.text.starts_with("-- In steps:");
}

struct Step {
    bool is_last = true;               ///< nothing is missing any more
    std::optional<Migration> applied;  ///< whole
};

/// The next that is missing, or a step of it, in a transaction of its own under the lock.
Result<Step> apply_next(Connection& connection, const std::vector<Known>& known) {
    pqxx::work work{connection.raw()};
    connection.begin_shared(work);
    run(connection, work, "lock_migrations");
    // A statement that waits for a table holds up all who come after it.
    run(connection, work, "shorten_lock_timeout");
    run(connection, work, "create_schema_migrations");
    const auto applied = applied_migrations(connection, work);
    if (auto same = check_history(connection, work, known, applied); !same) return fail(same.error());
    const auto missing = missing_migrations(known, applied);
    if (missing.empty()) {
        work.commit();
        return Step{};
    }
    const auto& [migration, file] = missing.front();
    const auto changed = work.exec(std::string{file->text});
    if (is_in_steps(*file) && changed.affected_rows() > 0) {
        failpoint::pass(failpoint::Point::mid_migration);
        work.commit();
        return Step{.is_last = false, .applied = std::nullopt};
    }
    run(connection, work, "record_migration",
        {std::to_string(migration.version), migration.name, checksum_of(connection, work, *file)});
    failpoint::pass(failpoint::Point::mid_migration);
    work.commit();
    log::info("migration.applied", {{"version", migration.version}, {"name", migration.name}});
    return Step{.is_last = false, .applied = migration};
}

Result<std::vector<Migration>> apply_missing(Connection& connection, const std::vector<Known>& known) {
    std::vector<Migration> done;
    for (;;) {
        auto step = apply_next(connection, known);
        if (!step) return fail(std::move(step.error()));
        if (step->is_last) return done;
        if (step->applied) done.push_back(std::move(*step->applied));
    }
}

Result<std::vector<Migration>> plan(Connection& connection, const std::vector<Known>& known) {
    pqxx::nontransaction work{connection.raw()};
    const auto applied = applied_migrations(connection, work);
    if (auto same = check_history(connection, work, known, applied); !same) return fail(same.error());
    std::vector<Migration> missing;
    for (const auto& next : missing_migrations(known, applied))
        missing.push_back(next.migration);
    return missing;
}

}  // namespace

Result<std::vector<Migration>> migrate(const std::string& database_url,
                                       const std::vector<sql::SqlFile>& files, RunMode mode, Pooler pooler) {
    try {
        ConnectionOptions options;
        options.database_url = database_url;
        // A migration may take its time, and waits for another process that migrates.
        options.statement_timeout = 10min;
        options.lock_timeout = 1min;
        options.pooler = pooler;
        const auto known = known_migrations(files);
        Connection connection{options};
        return mode == RunMode::apply ? apply_missing(connection, known) : plan(connection, known);
    } catch (...) {
        return fail(translate(std::current_exception()).error);
    }
}

Result<> check_schema(Pool& pool, const std::vector<sql::SqlFile>& files) {
    return read(pool, [&](Transaction& transaction) -> Result<> {
        const bool exists = transaction.run(statements(), "migrations_exist")[0]["here"].as<bool>();
        int newest = 0;
        if (exists) {
            for (const auto& row : transaction.run(statements(), "applied_migrations"))
                newest = std::max(newest, row["version"].as<int>());
        }
        const int ours = known_migrations(files).back().migration.version;
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

}  // namespace photogate::storage::database
