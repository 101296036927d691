#include "base/json/writer.hpp"

#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "base/encoding.hpp"

namespace photogate::json {
namespace {

/// Of a character that stands for itself between quotes: not a control character, quote or backslash.
constexpr bool is_plain(unsigned char c) {
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

constexpr std::uint64_t each(std::uint8_t byte) {
    return 0x0101010101010101U * byte;
}

/// Whether any of eight bytes is zero.
constexpr bool has_zero(std::uint64_t bytes) {
    return ((bytes - each(0x01)) & ~bytes & each(0x80)) != 0;
}

bool eight_are_plain_ascii(const char* at) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof eight);
    const bool control = has_zero(eight & each(0x60));
    return (eight & each(0x80)) == 0 && !control && !has_zero(eight ^ each('"')) &&
           !has_zero(eight ^ each('\\')) && !has_zero(eight ^ each(0x7F));
}

/// Almost every text is: eight bytes at once.
bool is_plain_ascii(std::string_view text) {
    for (; text.size() >= 8; text.remove_prefix(8)) {
        if (!eight_are_plain_ascii(text.data())) return false;
    }
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80 || !is_plain(static_cast<unsigned char>(c))) return false;
    }
    return true;
}

}  // namespace

void Writer::separate() {
    if (!first_ && !named_) out_ += ',';
    first_ = false;
    named_ = false;
}

void Writer::open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
}

void Writer::close(char bracket) {
    out_ += bracket;
    first_ = false;
}

void Writer::name(Name name) {
    separate();
    out_ += '"';
    out_ += name.text();
    out_ += "\":";
    named_ = true;
}

void Writer::any_name(std::string_view name) {
    separate();
    quote_any(name);
    out_ += ':';
    named_ = true;
}

void Writer::text(std::string_view value) {
    separate();
    quote_any(value);
}

void Writer::number(std::uint64_t value) {
    separate();
    const fmt::format_int digits{value};
    out_.append(digits.data(), digits.size());
}

void Writer::raw(std::string_view json) {
    separate();
    out_ += json;
}

void Writer::quote_any(std::string_view value) {
    if (is_plain_ascii(value)) {
        out_ += '"';
        out_ += value;
        out_ += '"';
    } else if (is_utf8(value)) {
        quote(value);
    } else {
        quote(to_valid_utf8(value));
    }
}

void Writer::quote(std::string_view value) {
    out_ += '"';
    std::size_t from = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto c = static_cast<unsigned char>(value[i]);
        if (is_plain(c)) continue;
        out_.append(value, from, i - from);
        from = i + 1;
        switch (c) {
            case '"':
                out_ += "\\\"";
                break;
            case '\\':
                out_ += "\\\\";
                break;
            case '\n':
                out_ += "\\n";
                break;
            case '\r':
                out_ += "\\r";
                break;
            case '\t':
                out_ += "\\t";
                break;
            default:
                fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(c));
        }
    }
    out_.append(value, from, value.size() - from);
    out_ += '"';
}

}  // namespace photogate::json
