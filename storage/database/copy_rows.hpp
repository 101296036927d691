// Rows in the text format of COPY (PostgreSQL 15 manual, COPY, "File Formats", "Text Format"), written into one text as they come.
//
// Thread safety: values.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "storage/database/sql_array.hpp"

namespace photogate::storage::database {

/// The fields of COPY, one after the other. A text with NUL throws std::invalid_argument.
class CopyText {
  public:
    void field(std::string_view text);
    void field(Timestamp at) { field(std::string_view{sql_timestamp(at)}); }
    void field(const SqlArray& array) { field(std::string_view{array.literal()}); }
    template <std::integral T>
    void field(T number) {
        field(std::string_view{std::to_string(number)});
    }
    template <class T>
    void field(const std::optional<T>& value) {
        value ? field(*value) : null();
    }
    void null();
    void end_row();

    /// Whether no row has ended; one of a single empty text has no text.
    bool empty() const { return text_.empty(); }
    /// Whole rows, without the last one's line feed.
    std::string_view text() const;

  private:
    void separate();

    std::string text_;
    bool in_row_ = false;
};

/// Rows of so many columns.
template <std::size_t columns>
class CopyRows {
  public:
    template <class... Values>
    void add(const Values&... values) {
        static_assert(sizeof...(Values) == columns);
        (text_.field(values), ...);
        text_.end_row();
    }
    bool empty() const { return text_.empty(); }
    std::string_view text() const { return text_.text(); }

  private:
    CopyText text_;
};

}  // namespace photogate::storage::database
