// Rows of packages as values.
//
// Errors: records::UnknownWord for a word that this program does not know. Thread safety: pure functions.
#pragma once

#include <vector>

#include <pqxx/pqxx>

#include "model/package.hpp"
#include "storage/database/columns.hpp"

namespace photogate::storage::packages {

/// Of `select * from packages`.
model::Package to_package(const database::Columns& columns, const pqxx::row& row);
std::vector<model::FailedItem> to_failures(const pqxx::result& rows);

}  // namespace photogate::storage::packages
