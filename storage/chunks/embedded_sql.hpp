// The statements of this module, as the build put them into the program: resumable uploads and their chunks.
//
// Thread safety: constant.
#pragma once

#include <vector>

#include "storage/sql/named_queries.hpp"

namespace photogate::storage::chunks {

const std::vector<sql::SqlFile>& queries_files();
const sql::NamedQueries& statements();

}  // namespace photogate::storage::chunks
