#include "gateway/config/toml_source.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace photogate::gateway::config {
namespace {

Given read_array(const toml::array& array) {
    std::vector<std::string> items;
    for (const auto& node : array) {
        const auto* text = node.as_string();
        if (text == nullptr) return Unfit{"a list of something else than texts"};
        items.push_back(text->get());
    }
    return items;
}

Given read_value(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::string:
            return node.as_string()->get();
        case toml::node_type::integer:
            return node.as_integer()->get();
        case toml::node_type::boolean:
            return node.as_boolean()->get();
        case toml::node_type::array:
            return read_array(*node.as_array());
        case toml::node_type::floating_point:
            return Unfit{"a number with a fraction"};
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time:
            return Unfit{"a date or time"};
        case toml::node_type::table:
        case toml::node_type::none:
            break;
    }
    return Unfit{"a table"};
}

/// toml++ bounds how deep a file may nest (256), so this recursion ends.
void walk(const toml::table& table, const std::vector<std::string>& path, std::vector<Entry>& out) {
    for (const auto& [key, node] : table) {
        auto inner = path;
        inner.emplace_back(key.str());
        const auto line = static_cast<std::size_t>(key.source().begin.line);
        const auto* child = node.as_table();
        out.push_back({inner, child == nullptr ? std::optional{read_value(node)} : std::nullopt, line});
        if (child != nullptr) walk(*child, inner, out);
    }
}

}  // namespace

std::string Entry::dotted() const {
    std::string all;
    for (const auto& part : path)
        all.append(all.empty() ? "" : ".").append(part);
    return all;
}

tl::expected<std::vector<Entry>, Mistake> parse_toml(std::string_view text, const std::string& file) {
    const auto parsed = toml::parse(text);
    if (!parsed) {
        const auto& error = parsed.error();
        return tl::unexpected(
            Mistake{{Origin::Kind::file, file, error.source().begin.line}, std::string{error.description()}});
    }
    std::vector<Entry> entries;
    walk(parsed.table(), {}, entries);
    return entries;
}

}  // namespace photogate::gateway::config
