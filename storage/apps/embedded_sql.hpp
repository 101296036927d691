// The statements of this module, as the build put them into the program: apps, their keys and secrets.
//
// Thread safety: constant.
#pragma once

#include <vector>

#include "storage/sql/named_queries.hpp"

namespace photogate::storage::apps {

const std::vector<sql::SqlFile>& queries_files();
const sql::NamedQueries& statements();

}  // namespace photogate::storage::apps
