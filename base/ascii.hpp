// ASCII characters and whole numbers in texts of protocols, without a locale.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace photogate::ascii {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_letter(char c) {
    return is_upper(c) || is_lower(c);
}
constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || is_letter(c);
}

/// Bytes above 0x7F stay as they are.
constexpr char to_lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char to_upper(char c) {
    return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}
inline std::string to_lower(std::string_view text) {
    std::string lowered{text};
    std::transform(lowered.begin(), lowered.end(), lowered.begin(), [](char c) { return to_lower(c); });
    return lowered;
}

inline std::string to_upper(std::string_view text) {
    std::string raised{text};
    std::transform(raised.begin(), raised.end(), raised.begin(), [](char c) { return to_upper(c); });
    return raised;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return to_lower(x) == to_lower(y); });
}

/// A digit as SHA-256 sums are written.
constexpr bool is_lower_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

/// 0 to 15, or -1 for a character that is no hexadecimal digit.
constexpr int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char lowered = to_lower(c);
    return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

/// The number that the whole text is, of a whole type in base 10 unless another is given: no sign for unsigned
/// types, no space. nullopt: it is none, or does not fit.
template <class Number, class... Base>
std::optional<Number> parse_whole(std::string_view text, Base... base) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base...);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace photogate::ascii
