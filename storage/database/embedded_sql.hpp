// The statements of this module, as the build put them into the program: sessions, and the table of migrations.
//
// Thread safety: constant.
#pragma once

#include <vector>

#include "storage/sql/named_queries.hpp"

namespace photogate::storage::database {

const std::vector<sql::SqlFile>& queries_files();
const sql::NamedQueries& statements();

}  // namespace photogate::storage::database
