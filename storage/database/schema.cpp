#include "storage/database/schema.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "storage/database/embedded_sql.hpp"
#include "storage/database/schema_rows.hpp"
#include "storage/database/transaction.hpp"

namespace photogate::storage::database {
namespace {

constexpr std::string_view kOldestProgram = "-- oldest_program: ";

Result<> permits(const AppliedMigration& later, int ours) {
    if (later.oldest_program && *later.oldest_program <= ours) return {};
    const auto beside =
        later.oldest_program
            ? fmt::format("beside which no program before schema {:04} can run", *later.oldest_program)
            : std::string{"which does not say that earlier programs can run beside it"};
    return fail(
        ErrorCode::invalid_configuration,
        fmt::format(
            "the database's schema is ahead of this program ({:04}): it has migration {}, {}. Start the "
            "photogate that made it or a later one; to go back, restore the backup from before it "
            "(docs/upgrading.md)",
            ours, later.name, beside));
}

}  // namespace

std::map<int, AppliedMigration> applied_in(const pqxx::result& rows) {
    std::map<int, AppliedMigration> applied;
    for (const auto& row : rows) {
        const auto oldest = row["oldest_program"];
        applied[row["version"].as<int>()] = {
            row["name"].as<std::string>(), row["checksum"].as<std::string>(),
            oldest.is_null() ? std::nullopt : std::optional<int>{oldest.as<int>()}};
    }
    return applied;
}

std::vector<Migration> migrations_of(const std::vector<sql::SqlFile>& files) {
    std::vector<Migration> known;
    for (const auto& file : files) {
        int version = 0;
        std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
        known.push_back({version, std::string{file.name}});
    }
    std::sort(known.begin(), known.end(),
              [](const Migration& a, const Migration& b) { return a.version < b.version; });
    return known;
}

std::optional<int> oldest_program(const sql::SqlFile& file) {
    auto rest = file.text;
    // The header ends with the first line that is no comment.
    while (rest.starts_with("--")) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.starts_with(kOldestProgram)) continue;
        const auto number = line.substr(kOldestProgram.size());
        int version = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), version);
        if (error == std::errc{} && end == number.data() + number.size()) return version;
    }
    return std::nullopt;
}

Result<SchemaFit> fit(const std::vector<sql::SqlFile>& files,
                      const std::map<int, AppliedMigration>& applied) {
    const auto known = migrations_of(files);
    const int ours = known.back().version;
    SchemaFit found;
    for (const auto& migration : known) {
        if (!applied.contains(migration.version)) found.missing.push_back(migration);
    }
    for (const auto& [version, row] : applied) {
        if (std::any_of(known.begin(), known.end(),
                        [v = version](const Migration& each) { return each.version == v; }))
            continue;
        if (auto permitted = permits(row, ours); !permitted) return fail(permitted.error());
        found.later.push_back({version, row.name});
    }
    if (!found.missing.empty() && !found.later.empty()) {
        return fail(
            ErrorCode::invalid_configuration,
            fmt::format(
                "the database's schema has migration {} of a later release and lacks {} of this one: run "
                "`photogate migrate` of the latest release that you use",
                found.later.back().name, found.missing.front().name));
    }
    return found;
}

Result<SchemaStanding> schema_standing(Pool& pool, const std::vector<sql::SqlFile>& files) {
    return read(pool, [&](Transaction& transaction) -> Result<SchemaStanding> {
        SchemaStanding standing;
        standing.program = migrations_of(files).back().version;
        const auto rows =
            transaction.run(statements(), "later_migrations", params(std::int64_t{standing.program}));
        for (const auto& [version, row] : applied_in(rows)) {
            standing.later.push_back({version, row.name});
            if (!permits(row, standing.program)) standing.permitted = false;
        }
        return standing;
    });
}

Result<std::vector<Migration>> check_schema(Pool& pool, const std::vector<sql::SqlFile>& files) {
    return read(pool, [&](Transaction& transaction) -> Result<std::vector<Migration>> {
        std::map<int, AppliedMigration> applied;
        if (transaction.run(statements(), "migrations_exist")[0]["here"].as<bool>())
            applied = applied_in(transaction.run(statements(), "applied_migrations"));
        auto found = fit(files, applied);
        if (!found) return fail(found.error());
        if (!found->missing.empty()) {
            const int newest = applied.empty() ? 0 : applied.rbegin()->first;
            return fail(
                ErrorCode::invalid_configuration,
                fmt::format(
                    "the database's schema is at version {} and this program needs {} ({} is missing): run "
                    "`photogate migrate`",
                    newest, migrations_of(files).back().version, found->missing.front().name));
        }
        return std::move(found->later);
    });
}

}  // namespace photogate::storage::database
