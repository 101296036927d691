// What the mechanism of migrations reads of the table schema_migrations and of the files.
//
// Thread safety: pure.
#pragma once

#include <map>
#include <vector>

#include <pqxx/result>

#include "storage/database/migrate.hpp"
#include "storage/database/schema.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

/// Of the statement `applied_migrations`, by version.
std::map<int, AppliedMigration> applied_in(const pqxx::result& rows);

/// In their order. `files` are called `0001_name` and so on.
std::vector<Migration> migrations_of(const std::vector<sql::SqlFile>& files);

}  // namespace photogate::storage::database
