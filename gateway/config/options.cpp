#include "gateway/config/options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/config/literal.hpp"

namespace photogate::gateway::config {
namespace {

std::string joined(std::string_view prefix, std::string_view key, char separator) {
    std::string name{prefix};
    if (!name.empty()) name += separator;
    name += key;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '_' || c == '.' || c == '-'; }, separator);
    return name;
}

std::string flag_of(const Table& table, const Option& option, std::string_view key) {
    if (!table.prefix) return {};
    auto name = "--" + joined(*table.prefix, key, '-');
    return option.secrecy == Secrecy::secret ? name + "-file" : name;
}

std::string variable_of(const Table& table, std::string_view key) {
    if (!table.prefix) return {};
    return "PHOTOGATE_" + ascii::to_upper(joined(*table.prefix, key, '_'));
}

}  // namespace

const NameRule kShortName = {
    [](std::string_view name) { return parse_app_name(name).has_value(); },
    "is no name: 1 to 32 of a-z, 0-9 and '-', starting with a letter",
};

const std::vector<Table>& tables() {
    static const std::vector<Table> all = [] {
        std::vector<Table> list;
        for (auto part : {service_tables(), tracing_tables(), delivery_tables(), package_tables(),
                          work_tables(), store_tables(), event_tables(), app_tables(), watermark_tables(),
                          gate_tables(), purge_tables()}) {
            for (auto& table : part)
                list.push_back(std::move(table));
        }
        return list;
    }();
    return all;
}

std::string flag(const Table& table, const Option& option) {
    return flag_of(table, option, option.key);
}

std::string variable(const Table& table, const Option& option) {
    return variable_of(table, option.key);
}

std::string former_flag(const Table& table, const Option& option) {
    return option.former.empty() ? std::string{} : flag_of(table, option, option.former);
}

std::string former_variable(const Table& table, const Option& option) {
    return option.former.empty() ? std::string{} : variable_of(table, option.former);
}

std::string dotted(const Table& table, const Option& option) {
    return table.pattern.empty() ? std::string{option.key} : fmt::format("{}.{}", table.pattern, option.key);
}

std::string toml_literal(const Option& option) {
    if (!option.fallback.empty()) return literal(option, Untyped{{std::string{option.fallback}}});
    return option.kind == Kind::list && option.otherwise.empty() && option.secrecy == Secrecy::open ? "[]"
                                                                                                    : "";
}

}  // namespace photogate::gateway::config
