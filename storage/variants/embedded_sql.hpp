// The statements of this module, as the build put them into the program: backfills of variants, and the eviction of versions.
//
// Thread safety: constant.
#pragma once

#include <vector>

#include "storage/sql/named_queries.hpp"

namespace photogate::storage::variants {

const std::vector<sql::SqlFile>& queries_files();
const sql::NamedQueries& statements();

}  // namespace photogate::storage::variants
