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

/// `files` are called `0001_name.sql` and so on. Applies what is missing and says what it did; with `dry_run`, what it would do.
/// Errors: invalid_configuration where the database has a migration that `files` lack, or one of another text.
Result<std::vector<Migration>> migrate(const std::string& database_url,
                                       const std::vector<sql::SqlFile>& files, RunMode mode, Pooler pooler);

}  // namespace photogate::storage::database
