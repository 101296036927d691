// The .sql files of this room, as the build put them into the program.
//
// migrations/ holds numbered, forward-only migrations (`0001_name.sql`); queries/ holds statements, each
// under a line `-- name: …`. No SQL stands in C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace photogate::storage::records {

struct SqlFile {
    std::string_view name;  ///< without the extension
    std::string_view text;
};

/// In the order of their numbers.
const std::vector<SqlFile>& migration_files();
const std::vector<SqlFile>& query_files();

/// The statement of that name. An unknown name is a mistake in the program: std::logic_error.
const std::string& query(std::string_view name);
/// Each name once, sorted: for the test that prepares them all.
std::vector<std::string> query_names();

}  // namespace photogate::storage::records
