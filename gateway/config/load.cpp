#include "gateway/config/load.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/owned_folder.hpp"
#include "gateway/config/first_configuration.hpp"
#include "gateway/config/install_paths.hpp"
#include "gateway/config/instances.hpp"
#include "gateway/config/literal.hpp"
#include "gateway/config/paths.hpp"
#include "gateway/config/secret_file.hpp"
#include "gateway/config/usable_cores.hpp"
#include "gateway/config/validate.hpp"
#include "gateway/config/watermarks.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX names it, unistd.h need not

namespace photogate::gateway::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfigVariable = "PHOTOGATE_CONFIG";

/// A value that was given, and where.
struct Candidate {
    std::optional<RawValue> given;  ///< nullopt: it could not be read, which was reported
    Origin origin;
};

/// A part of the program: where it was built, or where it is installed.
fs::path part_beside(const fs::path& executable, const char* name, const char* installed) {
    const auto folder = executable.parent_path();
    const fs::path beside = folder / name;
    std::error_code ignored;
    for (const auto& path : {beside, (folder / installed).lexically_normal()}) {
        if (fs::exists(path, ignored)) return path;
    }
    return beside;
}

const std::string* variable_of(const std::map<std::string, std::string>& environment,
                               const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() || found->second.empty() ? nullptr : &found->second;
}

struct NamedFile {
    fs::path path;
    Origin asked_by;
    std::optional<Descriptor> opened;  ///< where it was judged before it is read
};

std::optional<NamedFile> file_of(const Sources& sources) {
    const Origin by_flag{Origin::Kind::flag, "--config", 0};
    if (sources.file) return NamedFile{*sources.file, by_flag, std::nullopt};
    if (sources.folder_is == Sources::FolderIs::named) return std::nullopt;
    const std::string name{kConfigVariable};
    if (const auto* path = variable_of(sources.environment, name))
        return NamedFile{*path, {Origin::Kind::environment, name, 0}, std::nullopt};
    std::error_code ignored;
    if (fs::exists(kStandardFile, ignored)) return NamedFile{kStandardFile, by_flag, std::nullopt};
    return std::nullopt;
}

/// What lies in a folder that happens to be the current one is trusted only if no other user put it there:
/// the file that is judged is the one that is read.
std::optional<NamedFile> first_file(const Sources& sources) {
    if (sources.folder.empty()) return std::nullopt;
    const auto folder = OwnedFolder::open(sources.folder, OwnedFolder::Options{});
    if (!folder) return std::nullopt;
    auto file = folder->find_file(kFirstFile);
    struct stat facts {};
    if (!file || !*file || ::fstat((*file)->get(), &facts) != 0 || facts.st_uid != ::geteuid())
        return std::nullopt;
    const auto path = sources.folder / kFirstFile;
    return NamedFile{path, {Origin::Kind::file, path.string(), 0}, std::move(**file)};
}

class Loader {
  public:
    explicit Loader(const Sources& sources) : sources_(sources) {
        const std::size_t cores = usable_cores();
        config_.server.io_threads = cores;
        config_.imaging.processes = cores;
        config_.imaging.program = part_beside(sources.executable, "photogate-imager", kInstalledImager);
        config_.tracing.library =
            part_beside(sources.executable, "photogate-otlp.so", kInstalledOtlp).string();
    }

    tl::expected<Loaded, std::vector<Mistake>> run() {
        read_file();
        layout_ = lay_out(entries_, file_, report_);
        add_single_instances();
        for (const auto& instance : layout_.instances)
            if (instance.table->make) instance.table->make(config_, instance.names);
        for (std::size_t i = 0; i < layout_.instances.size(); ++i)
            fill(i);
        if (config_.worker.concurrency == 0) config_.worker.concurrency = config_.imaging.processes + 2;
        if (config_.worker.store_concurrency == 0)
            config_.worker.store_concurrency = config_.worker.concurrency;
        if (config_.server.max_waits == 0)
            config_.server.max_waits = (config_.server.max_connections + 1) / 2;
        if (!file_.empty()) config_.file = absolute_path(file_).string();
        if (in_data_folder_) config_.data_folder = absolute_path(file_).parent_path().string();
        complete_watermarks(config_, report_);
        complete_and_validate(config_, report_);
        warn_of_misspelt_variables();
        auto mistakes = report_.mistakes();
        if (!mistakes.empty()) return tl::unexpected(std::move(mistakes));
        return Loaded{std::move(config_), std::move(settings_), report_.warnings()};
    }

  private:
    const std::string* variable_set(const std::string& name) const {
        return variable_of(sources_.environment, name);
    }

    void read_file() {
        if (sources_.first_text) {
            file_ = (sources_.folder / kFirstFile).string();
            in_data_folder_ = true;
            return read_entries(*sources_.first_text);
        }
        auto named = file_of(sources_);
        if (!named) {
            named = first_file(sources_);
            in_data_folder_ = named.has_value();
        }
        if (!named) return;
        file_ = named->path.string();
        tl::expected<Descriptor, std::string> file =
            named->opened ? std::move(*named->opened) : open_small_file(named->path);
        if (file) warn_of_writers(*named, *file);
        const auto text = file.and_then([](const Descriptor& opened) { return read_small_file(opened); });
        if (!text) {
            report_.mistake(named->asked_by, fmt::format("{} {}", file_, text.error()));
            return;
        }
        read_entries(*text);
    }

    void read_entries(const std::string& text) {
        auto entries = parse_toml(text, file_);
        if (entries) {
            entries_ = std::move(*entries);
        } else {
            report_.mistake(entries.error().origin, entries.error().message);
        }
    }

    /// A file that root names may belong to anyone, but its writers decide what root runs.
    void warn_of_writers(const NamedFile& named, const Descriptor& file) {
        struct stat facts {};
        if (!runs_as_root() || ::fstat(file.get(), &facts) != 0) return;
        if (facts.st_uid != 0)
            report_.warning(named.asked_by,
                            fmt::format("{} belongs to {}, who decides with it what photogate "
                                        "does as root",
                                        file_, user_name(facts.st_uid)));
        if ((facts.st_mode & S_IWOTH) != 0)
            report_.warning(named.asked_by,
                            fmt::format("{} may be written by everyone on this machine", file_));
    }

    /// What flags and variables say of a named table is for the only one there is; where there is none, for
    /// one made for it.
    void add_single_instances() {
        for (const auto& table : tables()) {
            if (!table.prefix || table.pattern.find('*') == std::string_view::npos) continue;
            const auto said = first_said(table);
            if (!said) continue;
            std::size_t count = 0;
            for (std::size_t i = 0; i < layout_.instances.size(); ++i)
                count += layout_.instances[i].table == &table && !is_operator(i) ? 1 : 0;
            if (count > 1) {
                report_.mistake(
                    *said, fmt::format("the file has several [{}]: which one is meant must be said there",
                                       table.pattern));
                ambiguous_.insert(&table);
            } else if (count == 0) {
                make_single(table);
            }
        }
    }

    /// An app that the file gives the operator's role. What is said of "the app" is never for it.
    bool is_operator(std::size_t index) const {
        for (const auto& placed : layout_.placed) {
            if (placed.instance != index || placed.option->key != "role") continue;
            const auto role = read_text(*placed.entry->value);
            if (role && *role == "operator") return true;
        }
        return false;
    }

    void make_single(const Table& table) {
        const std::string name{table.single};
        layout_.instances.push_back({&table, {name}});
        const auto inner = std::string{table.pattern} + ".";
        for (const auto& other : tables()) {
            if (other.pattern.starts_with(inner) && !other.single.empty())
                layout_.instances.push_back({&other, {name, std::string{other.single}}});
        }
    }

    std::optional<Origin> first_said(const Table& table) {
        for (const auto& option : table.options) {
            if (const auto said = from_flag(table, option)) return said->origin;
            for (const auto& name : names_of(table, option)) {
                if (variable_set(name) != nullptr) return Origin{Origin::Kind::environment, name, 0};
            }
        }
        return std::nullopt;
    }

    /// Default, file, environment, flag: each is read and held to its option, the last one stays.
    void fill(std::size_t index) {
        const auto& instance = layout_.instances[index];
        const Scope scope{config_, instance.names};
        for (const auto& option : instance.table->options) {
            const auto key = instance.full_key(option);
            Setting setting{instance.path(),
                            std::string{option.key},
                            toml_literal(option),
                            std::string{option.otherwise},
                            {},
                            {},
                            {}};
            if (!option.fallback.empty())
                apply(scope, option, key, {Untyped{{std::string{option.fallback}}}, {}});
            std::vector<std::optional<Candidate>> said{from_file(index, option)};
            if (!ambiguous_.contains(instance.table) && !is_operator(index)) {
                said.push_back(from_environment(*instance.table, option));
                said.push_back(from_flag(*instance.table, option));
            }
            for (auto& candidate : said) {
                if (!candidate) continue;
                settle_path(option, key, *candidate);
                warn_of_former_name(index, option, candidate->origin);
                report_.came_from(key, candidate->origin);
                if (!candidate->given) continue;
                apply(scope, option, key, *candidate);
                setting.origin = candidate->origin;
                const bool secret = option.secrecy == Secrecy::secret;
                setting.literal = secret ? "\"***\"" : literal(option, *candidate->given);
                if (secret) {
                    setting.secret = Secret{first_text(*candidate->given)};
                    setting.whole = Secret{whole_text(*candidate->given)};
                }
            }
            settings_.push_back(std::move(setting));
        }
    }

    /// A path in the file is relative to its folder, and one that photogate writes to is inside the data
    /// folder whose file it is in.
    void settle_path(const Option& option, const std::string& key, Candidate& candidate) {
        if (option.kind != Kind::file && option.kind != Kind::folder) return;
        if (!candidate.given || candidate.origin.kind != Origin::Kind::file) return;
        const auto text = read_text(*candidate.given);
        if (!text || text->empty()) return;
        const auto folder = absolute_path(file_).parent_path();
        const auto path = (folder / *text).lexically_normal();
        candidate.given = path.string();
        if (option.kind == Kind::file || !in_data_folder_ || is_inside(path, folder)) return;
        report_.mistake(
            candidate.origin,
            fmt::format("{0} leads to {1}, which is not inside {2}: the data folder was moved or copied, "
                        "and would go on writing there. If it was, write {0} as a path relative to this "
                        "file; if it is meant, start with --config {3}",
                        key, real_path(path).string(), folder.string(), absolute_path(file_).string()));
    }

    void warn_of_former_name(std::size_t index, const Option& option, const Origin& origin) {
        if (option.former.empty()) return;
        const auto& instance = layout_.instances[index];
        const bool in_file =
            std::any_of(layout_.placed.begin(), layout_.placed.end(), [&](const Placed& placed) {
                return placed.instance == index && placed.option == &option &&
                       origin.kind == Origin::Kind::file && placed.entry->path.back() == option.former;
            });
        const auto& table = *instance.table;
        if (in_file)
            report_.warning(origin, fmt::format("{} is the former name of {}",
                                                instance.full_key(option.former), instance.full_key(option)));
        else if (origin.name == former_variable(table, option))
            report_.warning(origin, fmt::format("is the former name of {}", variable(table, option)));
        else if (origin.name == former_flag(table, option))
            report_.warning(origin, fmt::format("is the former name of {}", flag(table, option)));
    }

    void apply(const Scope& scope, const Option& option, const std::string& key, const Candidate& candidate) {
        if (auto complaint = option.set(scope, *candidate.given)) {
            report_.mistake(candidate.origin, fmt::format("{} {}", key, *complaint));
        }
    }

    std::optional<Candidate> from_file(std::size_t instance, const Option& option) {
        std::optional<Candidate> said;
        for (const auto& placed : layout_.placed) {
            if (placed.instance != instance || placed.option != &option) continue;
            const Origin origin{Origin::Kind::file, file_, placed.entry->line};
            if (said) {
                report_.mistake(origin, fmt::format("{} is said twice, once as a value and once as a file",
                                                    placed.entry->dotted()));
            } else if (placed.form == Placed::Form::value) {
                said = Candidate{*placed.entry->value, origin};
            } else if (const auto path = read_text(*placed.entry->value)) {
                said = from_secret_file(option, fs::path{file_}.parent_path() / *path, origin);
            } else {
                report_.mistake(origin, fmt::format("{} {}", placed.entry->dotted(), path.error()));
            }
        }
        return said;
    }

    static std::vector<std::string> plain_names_of(const Table& table, const Option& option) {
        std::vector<std::string> names;
        if (table.prefix) names.push_back(variable(table, option));
        for (const auto other : option.also)
            names.emplace_back(other);
        if (auto former = former_variable(table, option); !former.empty()) names.push_back(std::move(former));
        return names;
    }

    static std::vector<std::string> names_of(const Table& table, const Option& option) {
        std::vector<std::string> names;
        if (!table.prefix) return names;
        names = plain_names_of(table, option);
        if (option.secrecy == Secrecy::secret) {
            for (std::size_t i = names.size(); i-- > 0;)
                names.push_back(names[i] + "_FILE");
        }
        return names;
    }

    std::optional<Candidate> from_environment(const Table& table, const Option& option) {
        for (const auto& name : plain_names_of(table, option)) {
            const auto* value = variable_set(name);
            const auto* file = option.secrecy == Secrecy::secret ? variable_set(name + "_FILE") : nullptr;
            const Origin origin{Origin::Kind::environment, file == nullptr ? name : name + "_FILE", 0};
            if (value != nullptr && file != nullptr) {
                report_.mistake(origin, fmt::format("both {0} and {0}_FILE are set", name));
                return std::nullopt;
            }
            if (file != nullptr) return from_secret_file(option, *file, origin);
            if (value != nullptr) return Candidate{Untyped{{*value}}, origin};
        }
        return std::nullopt;
    }

    std::optional<Candidate> from_flag(const Table& table, const Option& option) {
        for (const auto& name : {flag(table, option), former_flag(table, option)}) {
            if (auto said = from_flag(option, name)) return said;
        }
        return std::nullopt;
    }

    std::optional<Candidate> from_flag(const Option& option, const std::string& name) {
        const auto found = sources_.flags.find(name);
        if (name.empty() || found == sources_.flags.end() || found->second.empty()) return std::nullopt;
        const Origin origin{Origin::Kind::flag, name, 0};
        if (option.secrecy == Secrecy::open) return Candidate{Untyped{found->second}, origin};
        return from_secret_file(option, found->second.back(), origin);
    }

    std::optional<Candidate> from_secret_file(const Option& option, const fs::path& path,
                                              const Origin& origin) {
        auto secret = read_secret_file(path);
        if (!secret) {
            report_.mistake(origin, fmt::format("{} {}", path.string(), secret.error()));
            return Candidate{std::nullopt, origin};
        }
        if (secret->readers == Readers::everyone) {
            report_.warning(
                origin,
                fmt::format("{} holds a secret and may be read by everyone on this machine", path.string()));
        }
        if (option.kind == Kind::list) return Candidate{Untyped{std::move(secret->lines)}, origin};
        return Candidate{Untyped{{std::move(secret->text)}}, origin};
    }

    /// Only what is nearly a name of ours: the environment is full of what others put there.
    void warn_of_misspelt_variables() {
        std::set<std::string> known{std::string{kConfigVariable}};
        for (const auto& table : tables()) {
            for (const auto& option : table.options) {
                for (auto& name : names_of(table, option))
                    known.insert(std::move(name));
            }
        }
        const std::vector<std::string_view> names{known.begin(), known.end()};
        for (const auto& [name, value] : sources_.environment) {
            if (!name.starts_with("PHOTOGATE_") || known.contains(name)) continue;
            if (const auto near = nearest(name, names, 2); !near.empty()) {
                report_.warning(Origin{Origin::Kind::environment, name, 0},
                                fmt::format("is no variable of photogate, did you mean {}?", near));
            }
        }
    }

    const Sources& sources_;
    Config config_;
    Report report_;
    std::string file_;
    bool in_data_folder_ = false;  ///< file_ is the data folder's and was not named
    std::vector<Entry> entries_;
    Layout layout_;
    std::set<const Table*> ambiguous_;
    std::vector<Setting> settings_;
};

}  // namespace

tl::expected<Loaded, std::vector<Mistake>> load(const Sources& sources) {
    return Loader{sources}.run();
}

bool anything_configured(const Sources& sources) {
    if (file_of(sources)) return true;
    const auto flag = sources.flags.find("--database-url-file");
    if (flag != sources.flags.end() && !flag->second.empty()) return true;
    for (const auto* name : {"PHOTOGATE_DATABASE_URL", "PHOTOGATE_DATABASE_URL_FILE", "DATABASE_URL"}) {
        if (variable_of(sources.environment, name) != nullptr) return true;
    }
    return false;
}

std::map<std::string, std::string> environment_of_process() {
    std::map<std::string, std::string> all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view pair{*entry};
        const auto equals = pair.find('=');
        if (equals != std::string_view::npos) all.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    }
    return all;
}

std::filesystem::path executable_of_process() {
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored);
}

}  // namespace photogate::gateway::config
