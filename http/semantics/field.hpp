// Header fields and query parameters, and the grammar of a field's name (RFC 9110 5.1, 5.6.2).
//
// Thread safety: values; pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace photogate::http::semantics {

/// Of a message sent or received. Names compare without case: ascii::equals_ignoring_case.
struct HeaderField {
    std::string name;
    std::string value;
    bool operator==(const HeaderField&) const = default;
};
/// A field whose text stands in someone else's memory.
struct FieldView {
    std::string_view name;
    std::string_view value;
};
inline std::vector<FieldView> views_of(std::span<const HeaderField> fields) {
    std::vector<FieldView> views;
    views.reserve(fields.size());
    for (const HeaderField& field : fields)
        views.push_back({field.name, field.value});
    return views;
}

/// Of a request's target, decoded. One without a value has an empty one.
struct QueryParameter {
    std::string name;
    std::string value;
    bool operator==(const QueryParameter&) const = default;
};

/// RFC 9110 5.6.2 tchar, by byte.
inline constexpr std::array<bool, 256> kTokenChars = [] {
    std::array<bool, 256> table{};
    for (char c :
         std::string_view{"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"})
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();
constexpr bool is_token_char(char c) {
    return kTokenChars[static_cast<unsigned char>(c)];
}
constexpr bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

}  // namespace photogate::http::semantics
