// Values as PostgreSQL reads them: array literals (manual, 8.15.2), timestamps, and texts that it can hold.
//
// A group of rows travels as one array for each column, bound as a parameter and unnested by the statement:
// nothing is ever pasted into SQL. New uploads alone go by COPY (transaction.hpp). Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace photogate::storage::database {

/// An array literal under construction. PostgreSQL texts cannot hold NUL: a text with one throws
/// std::invalid_argument, and the row that brought it is refused alone.
class SqlArray {
  public:
    SqlArray& add(std::string_view text);
    SqlArray& add(std::int64_t number);
    SqlArray& add_null();

    SqlArray& add(const std::optional<std::string>& text) {
        return text ? add(std::string_view{*text}) : add_null();
    }
    SqlArray& add(const std::string& text) { return add(std::string_view{text}); }
    SqlArray& add(const char* text) { return add(std::string_view{text}); }

    /// `{}` where nothing was added.
    std::string literal() const { return text_ + "}"; }

  private:
    void separate();
    std::string text_ = "{";
};

/// `2026-11-20T12:34:56.789012Z`: microseconds, as they are kept.
std::string sql_timestamp(Timestamp at);
/// What PostgreSQL prints with DateStyle ISO and time zone UTC; nullopt for infinity or anything else.
std::optional<Timestamp> parse_sql_timestamp(std::string_view text);

/// A stranger's text made storable: well-formed UTF-8, U+FFFD for each NUL, cut at a character's edge to
/// `limit` bytes.
std::string storable_text(std::string_view text, std::size_t limit);

}  // namespace photogate::storage::database
