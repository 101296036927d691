// Numbered, forward-only migrations under an advisory lock, each in its own transaction. What the schema is belongs to the
// module that hands its files in.
//
// Thread safety: any thread; two programs that migrate at once do it one after the other.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/run_mode.hpp"
#include "storage/database/pooler.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

struct Migration {
    int version = 0;
    std::string name;
};

/// Where a running program finds itself: others may migrate beneath it.
struct SchemaStanding {
    int program = 0;               ///< the newest migration that it knows
    std::vector<Migration> later;  ///< that it does not know
    bool permitted = true;         ///< whether all of these permit it
};

/// `files` are called `0001_name.sql` and so on. Applies what is missing and says what it did; with `dry_run`, what it would do.
/// Where a later release has migrated and permits a program of `files` (schema.hpp), there is nothing to do.
/// Errors: invalid_configuration where it does not permit it, or the database has a migration with another text than `files`.
Result<std::vector<Migration>> migrate(const std::string& database_url,
                                       const std::vector<sql::SqlFile>& files, RunMode mode, Pooler pooler);

}  // namespace photogate::storage::database
