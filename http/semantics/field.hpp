// A header field, and the grammar of its name (RFC 9110 5.1, 5.6.2).
//
// Thread safety: values; pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace photogate::http::semantics {

/// Names compare without case: ascii::equals_ignoring_case.
struct HeaderField {
    std::string name;
    std::string value;
    bool operator==(const HeaderField&) const = default;
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
