#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "storage/records/database_error.hpp"
#include "storage/records/embedded_sql.hpp"
#include "storage/records/records.hpp"
#include "storage/records/schema.hpp"
#include "storage/records/transaction.hpp"

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

struct Known {
    Migration migration;
    const SqlFile* file = nullptr;
};

std::vector<Known> known_migrations() {
    std::vector<Known> known;
    for (const auto& file : migration_files()) {
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

std::map<int, Applied> applied_migrations(pqxx::transaction_base& work) {
    std::map<int, Applied> applied;
    if (!work.exec_prepared1("migrations_exist")["here"].as<bool>()) return applied;
    for (const auto& row : work.exec_prepared("applied_migrations")) {
        applied[row["version"].as<int>()] = {row["name"].as<std::string>(),
                                             row["checksum"].as<std::string>()};
    }
    return applied;
}

/// What the database has must be what we know, to the letter.
Result<> check_history(pqxx::transaction_base& work, const std::map<int, Applied>& applied) {
    const auto known = known_migrations();
    for (const auto& [version, row] : applied) {
        const auto ours = std::find_if(known.begin(), known.end(),
                                       [v = version](const Known& k) { return k.migration.version == v; });
        if (ours == known.end()) {
            return fail(ErrorCode::invalid_configuration,
                        "the database's schema is ahead of this program (it has migration " + row.name +
                            "): run the newer photogate");
        }
        const auto checksum =
            work.exec_prepared1("checksum", std::string{ours->file->text})["checksum"].as<std::string>();
        if (checksum != row.checksum) {
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

void prepare_all(Connection& connection) {
    for (const char* name : {"migrations_exist", "create_schema_migrations", "checksum", "lock_migrations",
                             "shorten_lock_timeout", "applied_migrations", "record_migration"}) {
        connection.prepare(name);
    }
}

Result<std::vector<Migration>> apply_missing(Connection& connection) {
    std::vector<Migration> done;
    {
        pqxx::nontransaction work{connection.raw()};
        work.exec_prepared("lock_migrations");  // until this session ends
        work.exec_prepared(
            "shorten_lock_timeout");  // a statement that waits for a table holds up all who come after it
        work.exec_prepared("create_schema_migrations");
    }
    std::map<int, Applied> applied;
    {
        pqxx::nontransaction work{connection.raw()};
        applied = applied_migrations(work);
        if (auto same = check_history(work, applied); !same) return fail(same.error());
    }
    for (const auto& next : missing_migrations(applied)) {
        pqxx::work work{connection.raw()};
        const std::string text{next.file->text};
        work.exec(text);
        const auto checksum = work.exec_prepared1("checksum", text)["checksum"].as<std::string>();
        work.exec_prepared("record_migration", next.migration.version, next.migration.name, checksum);
        failpoint::pass(failpoint::Point::mid_migration);
        work.commit();
        log::info("migration.applied", {{"version", next.migration.version}, {"name", next.migration.name}});
        done.push_back(next.migration);
    }
    return done;
}

Result<std::vector<Migration>> plan(Connection& connection) {
    pqxx::nontransaction work{connection.raw()};
    const auto applied = applied_migrations(work);
    if (auto same = check_history(work, applied); !same) return fail(same.error());
    std::vector<Migration> missing;
    for (const auto& next : missing_migrations(applied))
        missing.push_back(next.migration);
    return missing;
}

}  // namespace

Result<std::vector<Migration>> migrate(const std::string& database_url, MigrateMode mode) {
    try {
        // A migration may take its time, and waits for another process that migrates.
        Connection connection{
            {database_url, 5s, std::chrono::milliseconds{10min}, std::chrono::milliseconds{1min}}};
        prepare_all(connection);
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
