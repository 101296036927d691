// The .sql files of this module, as the build put them into the program.
//
// migrations/ holds numbered, forward-only migrations (`0001_name.sql`); queries/ holds named statements
// (storage/sql/named_queries.hpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/sql/named_queries.hpp"

namespace photogate::storage::records {

/// In the order of their numbers.
const std::vector<sql::SqlFile>& migrations_files();
const std::vector<sql::SqlFile>& queries_files();

/// What connections are opened with (ConnectionOptions::statements).
const sql::NamedQueries& statements();
/// The statement of that name. An unknown name is a mistake in the program: std::logic_error.
const std::string& query(std::string_view name);
/// Each name once, sorted: for the test that prepares them all.
std::vector<std::string> query_names();

}  // namespace photogate::storage::records
