// A TOML 1.0 file as a flat list of its tables and values, each with its line. The only place that knows
// toml++.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/given.hpp"
#include "gateway/config/report.hpp"

namespace photogate::gateway::config {

struct Entry {
    std::vector<std::string> path;
    std::optional<RawValue> value;  ///< nullopt: a table
    std::size_t line = 0;

    std::string dotted() const;
};

/// Each table before what is in it. The one mistake of a file that is no TOML has its line; it repeats no
/// more than a character of the file.
tl::expected<std::vector<Entry>, Mistake> parse_toml(std::string_view text, const std::string& file);

}  // namespace photogate::gateway::config
