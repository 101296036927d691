// The schema's version, as the program needs it.
//
// Thread safety: any thread.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "storage/database/connection_pool.hpp"
#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

/// invalid_configuration where the database's schema is behind or ahead of `files`, naming what to do.
Result<> check_schema(Pool& pool, const std::vector<sql::SqlFile>& files);

}  // namespace photogate::storage::database
