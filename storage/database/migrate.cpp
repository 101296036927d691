#include "storage/database/migrate.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/database/database_error.hpp"
#include "storage/database/embedded_sql.hpp"
#include "storage/database/schema.hpp"
#include "storage/database/schema_rows.hpp"
#include "storage/database/transaction.hpp"

namespace photogate::storage::database {
namespace {

using namespace std::chrono_literals;

pqxx::result run(Connection& connection, pqxx::transaction_base& work, const char* name,
                 const std::vector<std::string>& values = {}) {
    ParameterTexts texts;
    for (const auto& value : values)
        texts.push_back(value.c_str());
    return connection.run(work, statements(), name, texts);
}

std::map<int, AppliedMigration> applied_migrations(Connection& connection, pqxx::transaction_base& work) {
    if (!run(connection, work, "migrations_exist")[0]["here"].as<bool>()) return {};
    return applied_in(run(connection, work, "applied_migrations"));
}

std::string checksum_of(Connection& connection, pqxx::transaction_base& work, const sql::SqlFile& file) {
    return run(connection, work, "checksum", {std::string{file.text}})[0]["checksum"].as<std::string>();
}

const sql::SqlFile& file_of(const std::vector<sql::SqlFile>& files, const Migration& migration) {
    return *std::find_if(files.begin(), files.end(),
                         [&](const sql::SqlFile& file) { return file.name == migration.name; });
}

/// What is missing. What the database has of ours must be what we know, to the letter.
Result<std::vector<Migration>> missing_migrations(Connection& connection, pqxx::transaction_base& work,
                                                  const std::vector<sql::SqlFile>& files) {
    const auto applied = applied_migrations(connection, work);
    auto found = fit(files, applied);
    if (!found) return fail(found.error());
    for (const auto& migration : migrations_of(files)) {
        const auto row = applied.find(migration.version);
        if (row != applied.end() &&
            checksum_of(connection, work, file_of(files, migration)) != row->second.checksum) {
            return fail(
                ErrorCode::invalid_configuration,
                "migration " + row->second.name + " was applied with another text than this program has");
        }
    }
    return std::move(found->missing);
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

/// Tables of releases that did not know the column. Gives whether it was missing.
bool add_oldest_program(Connection& connection, pqxx::transaction_base& work) {
    if (run(connection, work, "oldest_program_exists")[0]["here"].as<bool>()) return false;
    run(connection, work, "add_oldest_program");
    return true;
}

/// The next that is missing, or a step of it, in a transaction of its own under the lock.
Result<Step> apply_next(Connection& connection, const std::vector<sql::SqlFile>& files) {
    pqxx::work work{connection.raw()};
    connection.begin_shared(work);
    run(connection, work, "lock_migrations");
    // A statement that waits for a table holds up all who come after it.
    run(connection, work, "shorten_lock_timeout");
    run(connection, work, "create_schema_migrations");
    const auto missing = missing_migrations(connection, work, files);
    if (!missing) return fail(missing.error());
    if (missing->empty()) {
        work.commit();
        return Step{};
    }
    // Alone: its lock would keep gateways from starting as long as the migration takes.
    if (add_oldest_program(connection, work)) {
        work.commit();
        return Step{.is_last = false, .applied = std::nullopt};
    }
    const auto& migration = missing->front();
    const auto& file = file_of(files, migration);
    const auto changed = work.exec(std::string{file.text});
    if (is_in_steps(file) && changed.affected_rows() > 0) {
        failpoint::pass(failpoint::Point::mid_migration);
        work.commit();
        return Step{.is_last = false, .applied = std::nullopt};
    }
    const auto number = std::to_string(migration.version);
    run(connection, work, "record_migration", {number, migration.name, checksum_of(connection, work, file)});
    if (const auto oldest = oldest_program(file))
        run(connection, work, "record_oldest_program", {number, std::to_string(*oldest)});
    failpoint::pass(failpoint::Point::mid_migration);
    work.commit();
    log::info("migration.applied", {{"version", migration.version}, {"name", migration.name}});
    return Step{.is_last = false, .applied = migration};
}

Result<std::vector<Migration>> apply_missing(Connection& connection, const std::vector<sql::SqlFile>& files) {
    std::vector<Migration> done;
    for (;;) {
        auto step = apply_next(connection, files);
        if (!step) return fail(std::move(step.error()));
        if (step->is_last) return done;
        if (step->applied) done.push_back(std::move(*step->applied));
    }
}

Result<std::vector<Migration>> plan(Connection& connection, const std::vector<sql::SqlFile>& files) {
    pqxx::nontransaction work{connection.raw()};
    return missing_migrations(connection, work, files);
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
        Connection connection{options};
        return mode == RunMode::apply ? apply_missing(connection, files) : plan(connection, files);
    } catch (...) {
        return fail(translate(std::current_exception()).error);
    }
}

}  // namespace photogate::storage::database
