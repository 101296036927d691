// The statements of a module's .sql files, by name.
//
// A file holds statements, each under a line `-- name: …`; what stands above the first such line belongs to none.
// A statement's text is what follows up to the next name, without the last semicolon.
//
// Thread safety: constant once constructed.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::storage::sql {

/// One embedded file. The views are into the program.
struct SqlFile {
    std::string_view name;  ///< without the extension
    std::string_view text;
};

class NamedQueries {
  public:
    /// Two statements of one name are a mistake in the program: std::logic_error.
    explicit NamedQueries(const std::vector<SqlFile>& files);

    /// An unknown name is a mistake in the program: std::logic_error.
    const std::string& at(std::string_view name) const;
    /// By name, in its order.
    const std::map<std::string, std::string, std::less<>>& all() const { return queries_; }

  private:
    std::map<std::string, std::string, std::less<>> queries_;
};

}  // namespace photogate::storage::sql
