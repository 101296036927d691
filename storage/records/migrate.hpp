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

/// Applies what is missing and says what it did; with `dry_run`, what it would do.
Result<std::vector<Migration>> migrate(const std::string& database_url, RunMode mode,
                                       database::Pooler pooler = database::Pooler::none);

}  // namespace photogate::storage::records
