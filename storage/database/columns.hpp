// From a result to values: its columns by name, and arrays.
//
// Thread safety: a Columns belongs to its result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <pqxx/pqxx>

#include "base/time.hpp"

namespace photogate::storage::database {

/// A result's columns by name, looked up once for all its rows.
class Columns {
  public:
    explicit Columns(const pqxx::result& result);
    bool is_null(const pqxx::row& row, const char* name) const;
    /// Empty for null.
    std::string text(const pqxx::row& row, const char* name) const;
    std::optional<std::string> maybe_text(const pqxx::row& row, const char* name) const;
    std::int64_t number(const pqxx::row& row, const char* name) const;
    std::optional<std::int64_t> maybe_number(const pqxx::row& row, const char* name) const;
    std::optional<bool> maybe_flag(const pqxx::row& row, const char* name) const;
    Timestamp time(const pqxx::row& row, const char* name) const;
    std::optional<Timestamp> maybe_time(const pqxx::row& row, const char* name) const;

  private:
    pqxx::field field(const pqxx::row& row, const char* name) const;
    std::unordered_map<std::string, pqxx::row::size_type> numbers_;
};

/// A text[] of PostgreSQL, of non-null elements.
std::vector<std::string> parse_text_array(const std::string& literal);

}  // namespace photogate::storage::database
