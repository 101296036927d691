#include "signer/uri_encode.hpp"

#include <array>
#include <cstdint>

#include "base/ascii.hpp"

namespace photogate::signer {
namespace {

enum class Slash { kept, encoded };
enum class Plus { itself, space };

constexpr auto kUnreserved = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 'a'; c <= 'z'; ++c)
        table[c] = true;
    for (unsigned c = 'A'; c <= 'Z'; ++c)
        table[c] = true;
    for (unsigned c = '0'; c <= '9'; ++c)
        table[c] = true;
    for (unsigned char c : {'-', '.', '_', '~'})
        table[c] = true;
    return table;
}();

void append_encoded(std::string& out, std::string_view text, Slash slash) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::size_t run = 0;  // bytes that stay are appended together
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<std::uint8_t>(text[i]);
        if (kUnreserved[c] || (c == '/' && slash == Slash::kept)) continue;
        out.append(text, run, i - run);
        run = i + 1;
        const char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        out.append(escape, sizeof escape);
    }
    out.append(text, run);
}

std::optional<std::string> decode(std::string_view text, Plus plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            const int high = i + 2 < text.size() ? ascii::hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? ascii::hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high << 4 | low);
            i += 2;
        }
    }
    return out;
}

}  // namespace

void append_encoded_path(std::string& out, std::string_view path) {
    append_encoded(out, path, Slash::kept);
}
void append_encoded_component(std::string& out, std::string_view text) {
    append_encoded(out, text, Slash::encoded);
}

std::string encode_component(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 4);
    append_encoded_component(out, text);
    return out;
}

std::optional<std::string> decode_path(std::string_view text) {
    return decode(text, Plus::itself);
}
std::optional<std::string> decode_component(std::string_view text) {
    return decode(text, Plus::space);
}

}  // namespace photogate::signer
