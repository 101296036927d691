#include "gateway/config/literal.hpp"

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::gateway::config {
namespace {

/// As a list's item is read too, and as it is written in the file.
bool is_number(const std::string& text) {
    return ascii::parse_whole<std::uint32_t>(text) && (text == "0" || text.front() != '0');
}

std::string list_literal(const std::vector<std::string>& items) {
    std::string all;
    for (const auto& item : items)
        all.append(all.empty() ? "" : ", ").append(is_number(item) ? item : toml_quoted(item));
    return "[" + all + "]";
}

std::string untyped_literal(const Option& option, const Untyped& untyped) {
    const std::string text = untyped.texts.empty() ? std::string{} : untyped.texts.back();
    switch (option.kind) {
        case Kind::list:
            return list_literal(read_list(untyped).value_or(std::vector<std::string>{}));
        case Kind::boolean:
            return read_boolean(untyped).value_or(false) ? "true" : "false";
        case Kind::integer:
            return text;
        case Kind::text:
        case Kind::size:
        case Kind::duration:
        case Kind::choice:
        case Kind::file:
        case Kind::folder:
            return toml_quoted(text);
    }
    return {};
}

}  // namespace

std::string toml_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : to_valid_utf8(text)) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string literal(const Option& option, const RawValue& given) {
    struct Literal {
        const Option& option;
        std::string operator()(const Untyped& untyped) const { return untyped_literal(option, untyped); }
        std::string operator()(const std::string& text) const { return toml_quoted(text); }
        std::string operator()(std::int64_t integer) const { return std::to_string(integer); }
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(const std::vector<std::string>& list) const { return list_literal(list); }
        std::string operator()(const Unfit&) const { return {}; }
    };
    return std::visit(Literal{option}, given);
}

}  // namespace photogate::gateway::config
