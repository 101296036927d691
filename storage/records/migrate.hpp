// The schema: numbered, forward-only migrations under an advisory lock, each in its own transaction.
//
// Thread safety: any thread; two programs that migrate at once do it one after the other.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "storage/records/pooler.hpp"

namespace photogate::storage::records {

struct Migration {
    int version = 0;
    std::string name;
};

/// Applies what is missing and says what it did; with `dry_run`, what it would do.
enum class MigrateMode { apply, dry_run };
Result<std::vector<Migration>> migrate(const std::string& database_url, MigrateMode mode,
                                       Pooler pooler = Pooler::none);

}  // namespace photogate::storage::records
