#include "gateway/config/profile_settings.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/field_errors.hpp"
#include "gateway/config/instances.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/report.hpp"
#include "gateway/config/toml_source.hpp"
#include "gateway/config/validate.hpp"

namespace photogate::gateway::config {
namespace {

constexpr std::size_t kMostErrors = 32;
constexpr std::size_t kLongestKey = 64;
constexpr std::string_view kProfilePattern = "apps.*.profiles.*";

bool is_of_profiles(const Table& table) {
    return table.pattern.starts_with(kProfilePattern);
}

bool names_files(const Table& table) {
    return std::any_of(table.options.begin(), table.options.end(), [](const Option& option) {
        return option.kind == Kind::file || option.kind == Kind::folder;
    });
}

/// Whether `member` of a profile is a table that names files: `watermark`, `watermarks`.
bool leads_to_files(std::string_view member) {
    return std::any_of(tables().begin(), tables().end(), [&](const Table& table) {
        if (!is_of_profiles(table) || table.pattern.size() == kProfilePattern.size() || !names_files(table))
            return false;
        const auto rest = table.pattern.substr(kProfilePattern.size() + 1);
        return rest.substr(0, rest.find('.')) == member;
    });
}

RawValue raw_list(const json::Value::Array& array) {
    std::vector<std::string> items;
    for (const auto& item : array) {
        if (const auto* text = item.text())
            items.push_back(*text);
        else if (const auto* number = item.integer())
            items.push_back(std::to_string(*number));
        else
            return Unfit{"a list of something else than texts or whole numbers"};
    }
    return items;
}

RawValue raw_value(const json::Value& value) {
    if (const auto* text = value.text()) return *text;
    if (const auto* number = value.integer()) return *number;
    if (const auto* boolean = value.boolean()) return *boolean;
    if (const auto* array = value.array()) return raw_list(*array);
    return Unfit{"a number that is not whole"};
}

class Reader {
  public:
    Reader(const AppName& app, const ProfileName& name) : app_(app), name_(name) {
        table_ = fmt::format("apps.{}.profiles.{}", app.str(), name.str());
        std::vector<std::string> path;
        for (const auto& part : {std::string{"apps"}, app.str(), std::string{"profiles"}, name.str()}) {
            path.push_back(part);
            add(path, std::nullopt, "");
        }
        root_ = path;
    }

    Result<model::Profile> read(const json::Value& settings) {
        walk(*settings.object(), root_, "");
        if (!refused_.empty()) return tl::unexpected(field_errors(std::move(refused_)));
        const auto layout = lay_out(entries_, "", report_);
        for (const auto& instance : layout.instances) {
            if (is_of_profiles(*instance.table)) instance.table->make(config_, instance.names);
        }
        for (std::size_t i = 0; i < layout.instances.size(); ++i) {
            if (is_of_profiles(*layout.instances[i].table)) fill(layout, i);
        }
        auto profile = std::move(config_.apps.at(app_).profiles.at(name_));
        check_profile(profile, table_, report_);
        if (auto wrong = report_.mistakes(); !wrong.empty())
            return tl::unexpected(field_errors(named(wrong)));
        return profile;
    }

  private:
    /// The line of an entry is its place in the list, from 1.
    void add(const std::vector<std::string>& path, std::optional<RawValue> value, std::string pointer) {
        entries_.push_back({path, std::move(value), entries_.size() + 1});
        pointers_.emplace(entries_.back().dotted(), std::move(pointer));
    }

    void walk(const json::Value::Object& object, const std::vector<std::string>& around,
              const std::string& pointer) {
        for (const auto& [member, value] : object) {
            if (value.is_null()) continue;
            auto path = around;
            path.push_back(member);
            if (refused_.size() == kMostErrors) return;
            if (member.size() > kLongestKey) {
                refused_.push_back({member_pointer(pointer, member.substr(0, kLongestKey)),
                                    ErrorCode::unknown_member,
                                    fmt::format("no key has {} bytes", member.size())});
                continue;
            }
            auto own = member_pointer(pointer, member);
            if (pointer.empty() && member == "hooks") {
                refused_.push_back(
                    {std::move(own), ErrorCode::invalid_field,
                     "hooks are said in the configuration file: a profile that is made here has "
                     "those of its app"});
            } else if (pointer.empty() && leads_to_files(member)) {
                refused_.push_back({std::move(own), ErrorCode::invalid_field,
                                    fmt::format("'{}' names files of the server: a profile that has it "
                                                "belongs into the configuration file",
                                                member)});
            } else if (const auto* inner = value.object()) {
                add(path, std::nullopt, own);
                walk(*inner, path, own);
            } else {
                add(path, raw_value(value), own);
            }
        }
    }

    void fill(const Layout& layout, std::size_t index) {
        const auto& instance = layout.instances[index];
        const Scope scope{config_, instance.names};
        for (const auto& option : instance.table->options) {
            if (!option.fallback.empty()) (void)option.set(scope, Untyped{{option.fallback}});
            for (const auto& placed : layout.placed) {
                if (placed.instance != index || placed.option != &option) continue;
                const auto key = instance.full_key(option);
                if (auto complaint = option.set(scope, *placed.entry->value))
                    report_.mistake({Origin::Kind::file, "", placed.entry->line},
                                    fmt::format("{} {}", key, *complaint), placed.entry->dotted());
            }
        }
    }

    /// Keys as the document has them.
    std::string shortened(std::string text) const {
        const auto prefix = table_ + ".";
        for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at))
            text.erase(at, prefix.size());
        return text;
    }

    std::vector<FieldError> named(const std::vector<Mistake>& mistakes) const {
        std::vector<FieldError> errors;
        for (const auto& mistake : mistakes) {
            const auto found = pointers_.find(mistake.key);
            std::string pointer;
            if (found != pointers_.end()) {
                pointer = found->second;
            } else if (mistake.key.starts_with(table_ + ".")) {
                pointer = mistake.key.substr(table_.size());
                std::replace(pointer.begin(), pointer.end(), '.', '/');
            }
            if (errors.size() == kMostErrors) break;
            errors.push_back({std::move(pointer),
                              mistake.message.starts_with("unknown ") ? ErrorCode::unknown_member
                                                                      : ErrorCode::invalid_field,
                              shortened(mistake.message)});
        }
        return errors;
    }

    const AppName& app_;
    const ProfileName& name_;
    std::string table_;
    std::vector<std::string> root_;
    std::vector<Entry> entries_;
    std::map<std::string, std::string> pointers_;  ///< by the dotted key
    std::vector<FieldError> refused_;
    Config config_;
    Report report_;
};

}  // namespace

Result<model::Profile> read_profile(const AppName& app, const ProfileName& name,
                                    const json::Value& settings) {
    if (settings.object() == nullptr)
        return fail(ErrorCode::invalid_field, "a profile is an object of its settings");
    return Reader{app, name}.read(settings);
}

Result<> check_place(const model::Profile& profile, const Config& config, const model::Apps& apps) {
    std::vector<FieldError> wrong;
    const auto most = config.store.max_object_size;
    if (!config.store.folder.empty() && most != 0 && profile.limits.max_bytes > most)
        wrong.push_back({"/max_size", ErrorCode::invalid_field,
                         fmt::format("max_size is {}, more than the built-in store takes ({}): raise "
                                     "store.max_object_size in the configuration, and restart",
                                     profile.limits.max_bytes, most)});
    const auto most_scanned = config.scanner.max_stream;
    if (config.scanner.kind != Scanner::Kind::none && profile.limits.max_bytes > most_scanned)
        wrong.push_back(
            {"/max_size", ErrorCode::invalid_field,
             fmt::format("max_size is {}, more than the scanner takes ({}): such files would have no "
                         "verdict; raise scanner.max_stream in the configuration, and restart",
                         profile.limits.max_bytes, most_scanned)});
    using Audience = model::DeliveryPolicy::Audience;
    if (profile.delivery.audience == Audience::link_holders && !model::have_private_profile(apps))
        wrong.push_back(
            {"/private", ErrorCode::invalid_field,
             "private needs a private profile in the configuration: gateways prove at their "
             "start that nobody can read the public bucket, and only where a profile is private"});
    if (wrong.empty()) return {};
    return tl::unexpected(field_errors(std::move(wrong)));
}

Result<> check_successor(const AppName& app, const model::Profile& profile, const std::string& settings) {
    const auto is_private = [](const model::Profile& each) {
        return each.delivery.audience == model::DeliveryPolicy::Audience::link_holders;
    };
    if (is_private(profile)) return {};
    if (const auto read = json::read(settings, kProfileBounds)) {
        const auto deleted = read_profile(app, profile.name, *read);
        if (deleted && !is_private(*deleted)) return {};
    }
    return tl::unexpected(field_errors(
        {{"/private", ErrorCode::invalid_field,
          "a private profile of this name was deleted, and its images would become public: choose another "
          "name, or make this one private"}}));
}

}  // namespace photogate::gateway::config
