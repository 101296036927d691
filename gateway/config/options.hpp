// The one table of options: from it come the file's keys, the flags, the variables, --help and
// docs/configuration.md.
//
// Every option is in a table of the file:
//
//   [server]                    exists once
//   [regions.NAME]              exists for each name, as do the next five
//   [apps.NAME]
//   [apps.NAME.hooks]
//   [apps.NAME.profiles.NAME]
//   [apps.NAME.profiles.NAME.hooks]
//   [apps.NAME.profiles.NAME.watermark]
//   [apps.NAME.profiles.NAME.variants.NAME]
//   [events.NAME]
//   [purges.NAME]
//
// Flags and variables follow from the key: `server.io_threads` is --server-io-threads and
// PHOTOGATE_SERVER_IO_THREADS. Those of a named table (--s3-…, --app-…, --events-…) set the only one there
// is, and create it where the file has none.
//
// A secret is never a flag's value: it has KEY_file beside KEY, --…-file and PHOTOGATE_…_FILE.
//
// Thread safety: constants.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/given.hpp"

namespace photogate::gateway::config {

/// A path in the file is relative to the file's folder, that of a flag or variable to the current one. A
/// `file` is read; a `folder` is one that photogate writes to.
enum class Kind { text, integer, size, duration, boolean, choice, list, file, folder };
enum class Secrecy { open, secret };

/// Which table a row is for; `names` are those in its place, outermost first.
struct Scope {
    Config& config;
    std::vector<std::string> names;

    RegionPlaces& places() const { return config.placement.of[names.at(0)]; }
    model::StoreRegion& region() const { return config.regions.at(names.at(0)); }
    notifier::purges::PurgeHook& purge() const { return config.purges.at(names.at(0)); }
    EventSource& source() const { return config.events.at(names.at(0)); }
    model::App& app() const { return config.apps.at(AppName::trusted(names.at(0))); }
    model::Profile& profile() const { return app().profiles.at(ProfileName::trusted(names.at(1))); }
    model::VariantRule& variant() const { return profile().delivery.variants.at(names.at(2)); }
};

/// What is wrong, as a clause behind the key; nullopt: it was taken.
using ValidationError = std::optional<std::string>;

struct Option {
    std::string_view key;  ///< in its table
    Kind kind = Kind::text;
    std::string fallback;  ///< as a flag would say it; empty: none, or worked out (then `otherwise` says how)
    std::string_view help;
    std::function<ValidationError(const Scope&, const RawValue&)> set;
    Secrecy secrecy = Secrecy::open;
    std::string_view otherwise = {};
    std::vector<std::string_view> also = {};  ///< variables of other tools that mean the same, behind our own
    /// The key that this option had before. It is accepted, in the file, as a flag and as a variable, with a
    /// warning that names the new one.
    std::string_view former = {};
};

/// What a name in the place of a pattern's last `*` may be.
struct NameRule {
    bool (*permits)(std::string_view);
    std::string_view text;  ///< as a clause behind the name: `is no name: …`
};
/// 1 to 32 of a-z, 0-9 and `-`, starting with a letter.
extern const NameRule kShortName;

struct Table {
    /// `server`, `regions.*`, `apps.*.profiles.*`, of any depth; empty: the top.
    std::string_view pattern;
    /// Flags and variables begin with this; nullopt: there are none, the file alone.
    std::optional<std::string_view> prefix;
    std::string_view help;
    std::vector<Option> options;
    /// Creates the entry for these names, those in the places of `*`, before its options are set.
    std::function<void(Config&, const std::vector<std::string>& names)> make = {};
    /// The name of the entry that flags and variables create where the file has none; of a table without
    /// flags, the name of the entry that is created together with the one around it.
    std::string_view single = {};
    const NameRule* name_rule = &kShortName;
};

/// In the order of the documentation.
const std::vector<Table>& tables();

// What follows from a row. `flag` and `variable` are empty where there are none.
std::string flag(const Table& table, const Option& option);
std::string variable(const Table& table, const Option& option);
std::string former_flag(const Table& table, const Option& option);
std::string former_variable(const Table& table, const Option& option);
/// `regions.*.endpoint`
std::string dotted(const Table& table, const Option& option);
/// The fallback as TOML writes it; empty where there is none.
std::string toml_literal(const Option& option);

// The parts of the table, by subject.
std::vector<Table> service_tables();
std::vector<Table> tracing_tables();
std::vector<Table> delivery_tables();
std::vector<Table> package_tables();
std::vector<Table> work_tables();
std::vector<Table> store_tables();
std::vector<Table> event_tables();
std::vector<Table> app_tables();
std::vector<Table> watermark_tables();
std::vector<Table> purge_tables();
std::vector<Table> gate_tables();

}  // namespace photogate::gateway::config
