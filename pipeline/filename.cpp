#include <string>

#include "base/encoding.hpp"
#include "pipeline/grant.hpp"

namespace photogate::pipeline {
namespace {

constexpr std::size_t kLongestLabel = 200;

struct CodePoint {
    char32_t value;
    std::size_t bytes;
};

CodePoint next(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
    };
    if (byte(0) < 0x80) return {byte(0), 1};
    if (byte(0) < 0xE0) return {(byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    if (byte(0) < 0xF0) return {(byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    return {(byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

/// Controls, separators of lines, and the marks that turn text around or hide in it: they make `gpj.exe` out of
/// a picture's name. The zero-width joiner and non-joiner stay: Persian words and emoji are written with them.
bool invisible(char32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200B || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0x061C || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB);
}

}  // namespace

std::optional<std::string> clean_filename(std::string_view filename) {
    if (!is_utf8(filename) || filename.find('\0') != std::string_view::npos) return std::nullopt;
    if (const auto slash = filename.find_last_of("/\\"); slash != std::string_view::npos)
        filename.remove_prefix(slash + 1);
    std::string label;
    std::size_t characters = 0;
    while (!filename.empty() && characters < kLongestLabel) {
        const auto c = next(filename);
        if (!invisible(c.value)) {
            label.append(filename.substr(0, c.bytes));
            ++characters;
        }
        filename.remove_prefix(c.bytes);
    }
    const auto first = label.find_first_not_of(' ');
    if (first == std::string::npos) return std::string{"unnamed"};
    label = label.substr(first, label.find_last_not_of(' ') - first + 1);
    // Folders; and to `curl -T`, standard input.
    if (label == "." || label == "..") return std::string{"unnamed"};
    return label;
}

}  // namespace photogate::pipeline
