// Flag over environment over file over default: from these sources to one valid Config, or to everything that
// is wrong.
//
// Reads the file and the files of secrets, nothing else: no socket is opened and nothing is asked of a store
// or database.
//
// Thread safety: load() may be called from any thread; it reads the file system.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/secret.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/report.hpp"

namespace photogate::gateway::config {

/// Where one is looked for when neither --config nor PHOTOGATE_CONFIG names a file.
inline constexpr std::string_view kStandardFile = "/etc/photogate/photogate.toml";

struct Sources {
    /// By flag, with its dashes: what it was given, each time.
    std::map<std::string, std::vector<std::string>> flags;
    std::map<std::string, std::string> environment;
    /// From --config; nullopt: PHOTOGATE_CONFIG, else kStandardFile where there is one, else the data
    /// folder's.
    std::optional<std::filesystem::path> file;
    /// Of photogate itself: the worker process is looked for beside it.
    std::filesystem::path executable;
    /// The data folder, where a first `photogate all` leaves its configuration: read if it is our own. Every
    /// folder that it names must be inside, or a moved or copied data folder would write into another.
    /// Empty: none.
    std::filesystem::path folder = {};
    /// A data folder that was named (--data) comes before PHOTOGATE_CONFIG and kStandardFile.
    enum class FolderIs { fallback, named } folder_is = FolderIs::fallback;
    /// The text of a first configuration that is not written yet, in place of the data folder's file.
    std::optional<std::string> first_text = std::nullopt;
};

/// One option of one table as it is in force.
struct Setting {
    std::string table;  ///< `regions.default`; empty: the top
    std::string key;
    std::string literal;  ///< as TOML; `"***"` for a secret; empty: not set
    std::string note;     ///< what holds where it is not set
    Secret secret;        ///< of an option that is a secret, the first of several; else empty
    Secret whole;         ///< of such an option all of them, a line each, to tell whether it changed
    Origin origin;
};

struct Loaded {
    Config config;
    std::vector<Setting> settings;  ///< table by table
    std::vector<Mistake> warnings;
};

/// All mistakes at once, those of the file first, by line. None repeats a secret.
tl::expected<Loaded, std::vector<Mistake>> load(const Sources& sources);

/// The configuration that was read at the start, and how it is read again while the program runs.
struct Reload {
    std::vector<Setting> in_force;
    std::function<tl::expected<Loaded, std::vector<Mistake>>()> read;
};

/// Whether --config, PHOTOGATE_CONFIG or a file in its standard place says what to do, or a database is
/// named.
bool anything_configured(const Sources& sources);

/// This process's variables.
std::map<std::string, std::string> environment_of_process();
/// /proc/self/exe
std::filesystem::path executable_of_process();

}  // namespace photogate::gateway::config
