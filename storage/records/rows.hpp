// From rows to values. What the rows hold was checked on its way in, so words are trusted here.
// Thread safety: a Columns belongs to its result.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <pqxx/pqxx>

#include "model/upload.hpp"
#include "storage/records/callback.hpp"
#include "storage/records/records.hpp"

namespace photogate::storage::records {

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
    Timestamp time(const pqxx::row& row, const char* name) const;
    std::optional<Timestamp> maybe_time(const pqxx::row& row, const char* name) const;

  private:
    pqxx::field field(const pqxx::row& row, const char* name) const;
    std::unordered_map<std::string, pqxx::row::size_type> numbers_;
};

/// Of rows that hold `uploads.*`.
model::Upload to_upload(const Columns& columns, const pqxx::row& row);
std::vector<model::Upload> to_uploads(const pqxx::result& result);
/// Of rows that hold `callbacks.*`.
model::Callback to_callback(const Columns& columns, const pqxx::row& row);
/// Of rows of claim_jobs.
model::Job to_job(const Columns& columns, const pqxx::row& row, const std::string& token);

/// A text[] of PostgreSQL, of non-null elements.
std::vector<std::string> parse_text_array(const std::string& literal);

}  // namespace photogate::storage::records
