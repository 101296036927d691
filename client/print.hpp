// Output for people: columns, sizes, times, and texts of strangers without what a terminal would obey.
//
// Thread safety: pure functions; a Table is one thread's.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::client {

/// Valid UTF-8 without control characters (C0, C1, DEL) and without marks that reverse the direction of writing: each is `?`.
/// A file's name comes from whoever uploaded it.
std::string printable(std::string_view text);

/// `812 B`, `4.2 MB` (powers of 1,000); a dash where there is none.
std::string size_text(std::optional<std::int64_t> bytes);

/// RFC 3339 as the gateway writes it, without the fraction: `2026-11-20 12:35:01`, in UTC. Another text stays as it is.
std::string time_text(std::string_view rfc3339);

/// Columns as wide as their widest cell, two spaces between them; a last column that is not padded.
class Table {
  public:
    explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
    /// Cells are made printable; an empty one is a dash.
    void add(std::vector<std::string> cells);
    void print(std::ostream& out) const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace photogate::client
