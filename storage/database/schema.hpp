// How a database's schema and a program fit together: what is missing, and what a later release has added.
//
// A migration of a later release says in its header which programs go on beside it, by the number of their schema:
//
//     -- oldest_program: 0029
//
// Its own number: none but its own release's. The database keeps this with the migration, so that programs that lack the file
// know. A migration that says nothing permits no earlier program.
//
// Thread safety: any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "storage/database/connection_pool.hpp"
#include "storage/database/migrate.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

/// A row of schema_migrations.
struct AppliedMigration {
    std::string name;
    std::string checksum;
    std::optional<int> oldest_program;
};

struct SchemaFit {
    std::vector<Migration> missing;  ///< that the database lacks
    std::vector<Migration> later;    ///< that the program lacks; each permits it
};

/// What a migration's header says; nothing where it does not.
std::optional<int> oldest_program(const sql::SqlFile& file);

/// Pure; checksums are not compared. Errors: invalid_configuration where a later migration does not permit a program of `files`,
/// or where the database both has later ones and lacks some of `files`. Each says what to do.
Result<SchemaFit> fit(const std::vector<sql::SqlFile>& files, const std::map<int, AppliedMigration>& applied);

/// As of now. Errors: those of the database.
Result<SchemaStanding> schema_standing(Pool& pool, const std::vector<sql::SqlFile>& files);

/// The migrations of a later release beside which a program of `files` may run. Errors: invalid_configuration where the schema
/// is behind `files`, or ahead without permitting them, naming what to do; those of the database.
Result<std::vector<Migration>> check_schema(Pool& pool, const std::vector<sql::SqlFile>& files);

}  // namespace photogate::storage::database
