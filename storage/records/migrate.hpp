// The schema of the records: the migrations of migrations/, applied as storage/database/migrate.hpp does.
//
// Thread safety: any thread; two programs that migrate at once do it one after the other.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/run_mode.hpp"
#include "storage/database/migrate.hpp"
#include "storage/database/pooler.hpp"

namespace photogate::storage::records {

using database::Migration;
class Database;

/// Applies what is missing and says what it did; with `dry_run`, what it would do. Nothing where a later release has migrated
/// and permits this program.
Result<std::vector<Migration>> migrate(const std::string& database_url, RunMode mode,
                                       database::Pooler pooler = database::Pooler::none);

/// The migrations of later releases, each of which permits this program. Errors: as database::check_schema.
Result<std::vector<Migration>> later_migrations(const std::string& database_url,
                                                database::Pooler pooler = database::Pooler::none);

/// What later releases have done to the schema by now; one query of a small table. Errors: those of database.hpp.
Result<database::SchemaStanding> schema_standing(Database& database);

}  // namespace photogate::storage::records
