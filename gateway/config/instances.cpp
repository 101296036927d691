#include "gateway/config/instances.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace photogate::gateway::config {
namespace {

using Path = std::vector<std::string>;

Path split_path(std::string_view dotted) {
    Path parts;
    while (!dotted.empty()) {
        const auto dot = dotted.find('.');
        parts.emplace_back(dotted.substr(0, dot));
        dotted = dot == std::string_view::npos ? std::string_view{} : dotted.substr(dot + 1);
    }
    return parts;
}

/// Whether `path` is the beginning of `pattern` (or all of it), with `*` for any name.
bool begins(const Path& pattern, const Path& path) {
    return path.size() <= pattern.size() && std::equal(path.begin(), path.end(), pattern.begin(),
                                                       [](const std::string& name, const std::string& part) {
                                                           return part == "*" || part == name;
                                                       });
}

Path names_in(const Path& pattern, const Path& path) {
    Path names;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == "*") names.push_back(path[i]);
    }
    return names;
}

/// The table whose pattern is exactly this path; nullptr where there is none.
const Table* table_at(const Path& path) {
    for (const auto& table : tables()) {
        const auto pattern = split_path(table.pattern);
        if (pattern.size() == path.size() && begins(pattern, path)) return &table;
    }
    return nullptr;
}

bool leads_to_a_table(const Path& path) {
    return std::any_of(tables().begin(), tables().end(),
                       [&](const Table& t) { return begins(split_path(t.pattern), path); });
}

/// Every word that may stand directly in the table at `path`.
std::vector<std::string> words_in(const Path& path) {
    std::vector<std::string> words;
    if (const auto* table = table_at(path)) {
        for (const auto& option : table->options) {
            words.emplace_back(option.key);
            if (option.secrecy == Secrecy::secret) words.push_back(std::string{option.key} + "_file");
        }
    }
    for (const auto& table : tables()) {
        const auto pattern = split_path(table.pattern);
        if (pattern.size() > path.size() && begins(pattern, path) && pattern[path.size()] != "*")
            words.push_back(pattern[path.size()]);
    }
    return words;
}

std::string unknown(const Entry& entry, std::string_view what) {
    const auto words = words_in(Path{entry.path.begin(), entry.path.end() - 1});
    const auto& word = entry.path.back();
    const auto near = nearest(word, {words.begin(), words.end()}, std::max<std::size_t>(2, word.size() / 3));
    const auto hint = near.empty() ? std::string{} : fmt::format(", did you mean '{}'?", near);
    return fmt::format("unknown {} '{}'{}", what, entry.dotted(), hint);
}

struct Found {
    const Option* option = nullptr;
    Placed::Form form = Placed::Form::value;
};

Found option_in(const Table& table, std::string_view key) {
    for (const auto& option : table.options) {
        if (option.key == key || (!option.former.empty() && option.former == key))
            return {&option, Placed::Form::value};
        const bool of_file = option.secrecy == Secrecy::secret && key.ends_with("_file") &&
                             key.substr(0, key.size() - 5) == option.key;
        if (of_file) return {&option, Placed::Form::file};
    }
    return {};
}

class Walk {
  public:
    Walk(const std::string& file, Report& report) : file_(file), report_(report) {
        for (const auto& table : tables()) {
            if (table.pattern.find('*') == std::string_view::npos) layout_.instances.push_back({&table, {}});
        }
    }

    void take(const Entry& entry) {
        const Path parent{entry.path.begin(), entry.path.end() - 1};
        if (inside_refused(entry.path)) return;
        report_.came_from(entry.dotted(), at(entry));
        if (entry.value) {
            take_value(entry, parent);
        } else {
            take_table(entry);
        }
    }

    Layout done() && { return std::move(layout_); }

  private:
    Origin at(const Entry& entry) const { return {Origin::Kind::file, file_, entry.line}; }

    void refuse(const Entry& entry, std::string message) {
        refused_.insert(entry.path);
        report_.mistake(at(entry), std::move(message), entry.dotted());
    }

    /// What lies under something refused is not refused again.
    bool inside_refused(const Path& path) const {
        return std::any_of(refused_.begin(), refused_.end(), [&](const Path& outer) {
            return outer.size() < path.size() && std::equal(outer.begin(), outer.end(), path.begin());
        });
    }

    void take_table(const Entry& entry) {
        const Path parent{entry.path.begin(), entry.path.end() - 1};
        if (const auto* around = table_at(parent);
            around != nullptr && option_in(*around, entry.path.back()).option != nullptr) {
            refuse(entry, fmt::format("{} is a value, not a table", entry.dotted()));
        } else if (!leads_to_a_table(entry.path)) {
            refuse(entry, unknown(entry, "table"));
        } else if (const auto* table = table_at(entry.path)) {
            const auto names = names_in(split_path(table->pattern), entry.path);
            if (names.empty()) return;
            if (!table->name_rule->permits(names.back())) {
                refuse(entry, fmt::format("'{}' {}", names.back(), table->name_rule->text));
            } else {
                layout_.instances.push_back({table, names});
            }
        }
    }

    void take_value(const Entry& entry, const Path& parent) {
        const auto* table = table_at(parent);
        if (leads_to_a_table(entry.path)) {
            refuse(entry, fmt::format("{} is a table, not a value", entry.dotted()));
            return;
        }
        const auto found = table == nullptr ? Found{} : option_in(*table, entry.path.back());
        if (found.option == nullptr) {
            refuse(entry, unknown(entry, "key"));
            return;
        }
        layout_.placed.push_back({instance(*table, parent), found.option, found.form, &entry});
    }

    std::size_t instance(const Table& table, const Path& path) const {
        const auto names = names_in(split_path(table.pattern), path);
        const auto at =
            std::find_if(layout_.instances.begin(), layout_.instances.end(),
                         [&](const Instance& i) { return i.table == &table && i.names == names; });
        return static_cast<std::size_t>(at - layout_.instances.begin());
    }

    const std::string& file_;
    Report& report_;
    Layout layout_;
    std::set<Path> refused_;
};

}  // namespace

std::string Instance::path() const {
    std::string out;
    std::size_t next = 0;
    for (const auto& part : split_path(table->pattern)) {
        out.append(out.empty() ? "" : ".").append(part == "*" ? names[next++] : part);
    }
    return out;
}

std::string Instance::full_key(std::string_view key) const {
    const auto around = path();
    return around.empty() ? std::string{key} : fmt::format("{}.{}", around, key);
}

std::string Instance::full_key(const Option& option) const {
    return full_key(option.key);
}

Layout lay_out(const std::vector<Entry>& entries, const std::string& file, Report& report) {
    Walk walk{file, report};
    // Tables may stand behind values of theirs (`a.b = 1` makes `a`), so all of them are known before the
    // first value.
    for (const auto& entry : entries) {
        if (!entry.value) walk.take(entry);
    }
    for (const auto& entry : entries) {
        if (entry.value) walk.take(entry);
    }
    return std::move(walk).done();
}

}  // namespace photogate::gateway::config
