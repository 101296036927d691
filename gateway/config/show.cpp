#include "gateway/config/show.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/log.hpp"

namespace photogate::gateway::config {
namespace {

std::string line_of(const Setting& setting, Origins origins) {
    const bool set = !setting.literal.empty();
    auto line =
        set ? fmt::format("{} = {}", setting.key, log::redact(setting.literal))
            : fmt::format("# {} is not set{}", setting.key, setting.note.empty() ? "" : ": " + setting.note);
    if (origins == Origins::shown && set) line += "  # " + setting.origin.text();
    return line + "\n";
}

std::string heading(const Table& table) {
    if (table.pattern.empty()) return "Top";
    std::string text{table.pattern};
    for (auto star = text.find('*'); star != std::string::npos; star = text.find('*'))
        text.replace(star, 1, "NAME");
    return "[" + text + "]";
}

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

std::string code(std::string_view text) {
    return text.empty() ? std::string{} : fmt::format("`{}`", text);
}

std::string variables_cell(const Table& table, const Option& option) {
    auto cell_text = code(variable(table, option));
    if (option.secrecy == Secrecy::secret && !cell_text.empty())
        cell_text += ", " + code(variable(table, option) + "_FILE");
    for (const auto other : option.also)
        cell_text += ", " + code(other);
    return cell_text;
}

std::string_view kind_word(Kind kind) {
    switch (kind) {
        case Kind::text:
            return "text";
        case Kind::integer:
            return "integer";
        case Kind::size:
            return "size";
        case Kind::duration:
            return "duration";
        case Kind::boolean:
            return "boolean";
        case Kind::choice:
            return "choice";
        case Kind::list:
            return "list";
        case Kind::file:
        case Kind::folder:
            return "path";
    }
    return {};
}

std::string row(const Table& table, const Option& option) {
    const auto keys =
        option.secrecy == Secrecy::secret ? fmt::format("`{0}`, `{0}_file`", option.key) : code(option.key);
    const auto standard =
        option.otherwise.empty() ? code(toml_literal(option)) : std::string{option.otherwise};
    auto text = fmt::format("| {} | {} | {} |", keys, kind_word(option.kind), cell(standard));
    if (table.prefix)
        text += fmt::format(" {} | {} |", code(flag(table, option)), variables_cell(table, option));
    return text + fmt::format(" {} |\n", cell(option.help));
}

constexpr std::string_view kIntroduction = R"(# Configuration

This page is generated from the program's table of options: `photogate config docs`.

A value comes from a flag, else from an environment variable, else from the file, else it is the default.
The file is TOML: `--config FILE`, or `PHOTOGATE_CONFIG`, or `/etc/photogate/photogate.toml` if it exists.
`photogate config check` reports every mistake at once with its line.
`photogate config show --origin` prints the effective values and their origins, without the secrets.
`etc/photogate.toml` is a sample.

- **duration**: `"500ms"`, `"15s"`, `"5m"`, `"2h"`, `"7d"`, or an integer of seconds.
- **size**: `"25MiB"` (KiB, MiB, GiB; KB, MB, GB), or an integer of bytes.
- **list**: `["a", "b"]` in the file; `a,b` in a flag or variable, and a flag may be repeated.
- **secrets** are never the value of a flag.
  `KEY_file` and `…_FILE` name a file that contains the secret (one per line, if there may be several); a path in the configuration file is relative to that file.
  This works with systemd's `LoadCredential=`: `Environment=PHOTOGATE_DATABASE_URL_FILE=%d/database_url`.
- `[regions.NAME]`, `[events.NAME]`, `[purges.NAME]`, `[apps.NAME]` and `[apps.NAME.profiles.NAME]` exist once for each name: 1 to 32 of a-z, 0-9 and `-`, starting with a letter.
  Their flags and variables set the only one in the file; if the file has none, they create one: the region `default`, the event source `minio`, the app `default` with the profile `default`.
- Apps, profiles, keys and callback secrets can be made while gateways run, too: [operations.md](operations.md).

An API key is `pg_APP_SECRET`.
`photogate key new --app NAME` creates one, and its `sha256:…` line for the file.

Exit codes: 0 success; 1 failure; 2 wrong usage; 3 an address can't be listened on; 4 the database or a store can't be reached at start; 5 the disk is full; 6 another photogate uses the folder; 78 the configuration is wrong or not safe.
)";

}  // namespace

std::string show(const Loaded& loaded, Origins origins) {
    std::string out;
    std::string table;
    for (const auto& setting : loaded.settings) {
        if (setting.table != table) {
            table = setting.table;
            out += fmt::format("\n[{}]\n", table);
        }
        out += line_of(setting, origins);
    }
    return out;
}

std::string reference_markdown() {
    std::string out{kIntroduction};
    for (const auto& table : tables()) {
        out += fmt::format("\n## {}\n\n{}\n\n", heading(table), table.help);
        out += table.prefix
                   ? "| key | kind | default | flag | variable | |\n| --- | --- | --- | --- | --- | --- |\n"
                   : "| key | kind | default | |\n| --- | --- | --- | --- |\n";
        for (const auto& option : table.options)
            out += row(table, option);
    }
    return out;
}

}  // namespace photogate::gateway::config
