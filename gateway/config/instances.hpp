// The tables of the option table, as often as they exist: `[server]` once, `[regions.NAME]` for each name.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/options.hpp"
#include "gateway/config/report.hpp"
#include "gateway/config/toml_source.hpp"

namespace photogate::gateway::config {

struct Instance {
    const Table* table = nullptr;
    std::vector<std::string> names;  ///< what stands for the pattern's `*`

    std::string path() const;  ///< `apps.shop.profiles.doorstep`; empty: the top
    std::string full_key(const Option& option) const;
    std::string full_key(std::string_view key) const;
};

/// A value of the file and the row that it is for.
struct Placed {
    std::size_t instance = 0;
    const Option* option = nullptr;
    /// KEY_file: the value names a file that holds the secret.
    enum class Form { value, file } form = Form::value;
    const Entry* entry = nullptr;
};

struct Layout {
    std::vector<Instance> instances;  ///< plain tables always; named ones as the file has them
    std::vector<Placed> placed;
};

/// Unknown keys and tables, bad names and values where a table belongs become mistakes, each at its line,
/// with the nearest key.
Layout lay_out(const std::vector<Entry>& entries, const std::string& file, Report& report);

}  // namespace photogate::gateway::config
