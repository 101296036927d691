#include "imaging/parts/text.hpp"

#include <algorithm>
#include <string_view>

namespace photogate::imaging {

namespace {

void append_utf8(std::string& out, char32_t c) {
    const auto byte = [&](char32_t value) {
        out.push_back(static_cast<char>(static_cast<unsigned char>(value)));
    };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | c >> 6);
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | c >> 12);
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3F));
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

/// C0, DEL and C1 (which UTF-8 writes as C2 80 … C2 9F).
std::string without_controls(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1) ++i;
        out.push_back(c < 0x20 || c == 0x7F || c1 ? ' ' : text[i]);
    }
    return out;
}

std::string finished(std::string_view utf8) {
    std::string text = without_controls(utf8);
    if (text.size() > kMaxText) {
        std::size_t end = kMaxText;
        while (end > 0 && is_continuation(text[end]))
            --end;
        text.resize(end);
    }
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

std::string clean_text(BytesView raw) {
    // No more is looked at than can be reported: a value may be 64 KiB, and be pointed to many times.
    std::string_view text = as_text(raw).substr(0, 4 * kMaxText + 1);
    text = text.substr(0, text.find('\0'));
    if (text.size() > 4 * kMaxText) {
        std::size_t end = 4 * kMaxText;
        for (int back = 0; back < 3 && is_continuation(text[end]); ++back)
            --end;
        text = text.substr(0, end);
    }
    if (is_utf8(text)) return finished(text);
    std::string latin;
    for (const char c : text)
        append_utf8(latin, static_cast<unsigned char>(c));
    return finished(latin);
}

std::string clean_utf16(BytesView raw, Endian endian) {
    std::string out;
    ByteReader reader(raw.first(std::min(raw.size(), 4 * kMaxText)), endian);
    while (reader.left() >= 2 && out.size() < 2 * kMaxText) {
        char32_t c = reader.u16();
        if (c == 0) break;
        if (c == 0xFEFF) continue;
        if (c >= 0xD800 && c < 0xDC00 && reader.left() >= 2) {
            const char32_t low = reader.u16();
            c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        append_utf8(out, c);
    }
    return finished(out);
}

}  // namespace photogate::imaging
