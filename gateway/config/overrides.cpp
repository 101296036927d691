#include "gateway/config/overrides.hpp"

#include <optional>

#include "gateway/config/literal.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/paths.hpp"

namespace photogate::gateway::config {
namespace {

std::optional<Untyped> override_of(const Sources& sources, const Table& table, const Option& option) {
    const auto flagged = sources.flags.find(flag(table, option));
    if (flagged != sources.flags.end() && !flagged->second.empty()) return Untyped{flagged->second};
    const auto variable_set = sources.environment.find(variable(table, option));
    if (variable_set != sources.environment.end() && !variable_set->second.empty())
        return Untyped{{variable_set->second}};
    return std::nullopt;
}

}  // namespace

std::map<std::string, std::string> override_literals(const Sources& sources,
                                                     const std::map<std::string, std::string>& names) {
    std::map<std::string, std::string> all;
    for (const auto& table : tables()) {
        if (!table.prefix) continue;
        std::string path{table.pattern};
        if (const auto star = path.find('*'); star != std::string::npos) {
            const auto name = names.find(path);
            path.replace(star, 1, name == names.end() ? std::string{table.single} : name->second);
        }
        for (const auto& option : table.options) {
            if (option.secrecy == Secrecy::secret) continue;
            auto said = override_of(sources, table, option);
            if (!said) continue;
            const bool is_path = option.kind == Kind::file || option.kind == Kind::folder;
            if (is_path && !said->texts.back().empty())
                said->texts = {absolute_path(said->texts.back()).string()};
            all[path.empty() ? std::string{option.key} : path + "." + std::string{option.key}] =
                literal(option, *said);
        }
    }
    return all;
}

}  // namespace photogate::gateway::config
