#include "imaging/containers/encoded_text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ascii.hpp"
#include "imaging/parts/text.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr double kGarbage = std::numeric_limits<double>::infinity();
/// A text may cost this much for two bytes: words of any language cost less, most random bytes more.
constexpr double kMostCost = 2;
constexpr std::size_t kWord = 4;  ///< bytes that are a text although others follow its end
/// What is called Unicode is UTF-16 more often than UTF-8.
constexpr double kUnexpected = 0.7;

/// A range of characters and how surprising one of them is in what people write.
struct Block {
    char32_t last;
    double cost;
};
constexpr std::array kBlocks = {
    Block{0x0008, kGarbage}, Block{0x000A, 0.5},      Block{0x000C, kGarbage},  Block{0x000D, 0.5},
    Block{0x001F, kGarbage}, Block{0x0020, 0},        Block{0x003B, 0.5},       Block{0x003C, 2},
    Block{0x003D, 0.5},      Block{0x003E, 2},        Block{0x0040, 0.5},       Block{0x005A, 0},
    Block{0x005E, 2},        Block{0x005F, 0.5},      Block{0x0060, 2},         Block{0x007A, 0},
    Block{0x007E, 2},        Block{0x009F, kGarbage}, Block{0x00BF, 2},         Block{0x024F, 1},
    Block{0x036F, 2},        Block{0x06FF, 1},        Block{0x0FFF, 1.5},       Block{0x10FF, 2},
    Block{0x11FF, 3},        Block{0x17FF, 2},        Block{0x1DFF, 4},         Block{0x1EFF, 1},
    Block{0x1FFF, 3},        Block{0x206F, 1},        Block{0x209F, 3},         Block{0x214F, 1.5},
    Block{0x27BF, 2},        Block{0x2FFF, 4},        Block{0x30FF, 1},         Block{0x33FF, 3},
    Block{0x4DBF, 4},        Block{0x9FFF, 1.5},      Block{0xABFF, 4},         Block{0xD7A3, 1.5},
    Block{0xF8FF, kGarbage}, Block{0xFAFF, 4},        Block{0xFDCF, 5},         Block{0xFDEF, kGarbage},
    Block{0xFDFF, 5},        Block{0xFE0F, 0.5},      Block{0xFEFE, 4},         Block{0xFEFF, kGarbage},
    Block{0xFFEF, 2},        Block{0xFFFF, kGarbage}, Block{0x1EFFF, 4},        Block{0x1FAFF, 1.5},
    Block{0x323AF, 4},       Block{0xE01EF, 4},       Block{0x10FFFF, kGarbage}};

double cost_of(char32_t c) {
    // Digits lie within a range of punctuation.
    if (c >= '0' && c <= '9') return 0;
    const auto block = std::lower_bound(kBlocks.begin(), kBlocks.end(), c,
                                        [](const Block& b, char32_t wanted) { return b.last < wanted; });
    return block == kBlocks.end() ? kGarbage : block->cost;
}

struct Reading {
    std::string text;
    double cost = kGarbage;  ///< for two bytes, on average
};

const Reading& better(const Reading& first, const Reading& second) {
    return second.cost < first.cost ? second : first;
}

/// No more is looked at than can be reported.
BytesView beginning(BytesView raw) {
    return raw.first(std::min(raw.size(), 4 * kMaxText));
}

BytesView without_end(BytesView raw) {
    while (!raw.empty() && raw.back() == 0)
        raw = raw.first(raw.size() - 1);
    return raw;
}

Reading as_utf16(BytesView raw, Endian order) {
    ByteReader reader(beginning(raw), order);
    double cost = 0;
    std::size_t units = 0;
    while (reader.left() >= 2) {
        char32_t c = reader.u16();
        if (c == 0) break;
        ++units;
        if (c >= 0xD800 && c < 0xDC00) {
            if (reader.left() < 2) break;  // cut off in the middle of a character
            const char32_t low = reader.u16();
            c = low >= 0xDC00 && low < 0xE000 ? 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00) : 0xDFFF;
            ++units;
        }
        cost += cost_of(c);
    }
    if (units == 0) return {};
    return {clean_utf16(raw, order), cost / static_cast<double>(units)};
}

/// The characters of valid UTF-8.
std::vector<char32_t> characters(std::string_view utf8) {
    std::vector<char32_t> out;
    for (const char byte : utf8) {
        const auto value = static_cast<unsigned char>(byte);
        if ((value & 0xC0U) == 0x80 && !out.empty())
            out.back() = out.back() << 6 | (value & 0x3FU);
        else
            out.push_back(value < 0x80   ? value
                          : value < 0xE0 ? value & 0x1FU
                          : value < 0xF0 ? value & 0x0FU
                                         : value & 7U);
    }
    return out;
}

/// Whole up to its end, which zeros may pad; a zero within it is a sign of another coding.
Reading as_utf8(BytesView raw) {
    const BytesView body = without_end(raw);
    std::string_view text = as_text(beginning(body));
    while (body.size() > text.size() && !text.empty() &&
           (static_cast<unsigned char>(text.back()) & 0x80U) != 0)
        text.remove_suffix(1);  // what was cut may have been in the middle of a character
    if (text.empty() || text.find('\0') != std::string_view::npos || !is_utf8(text)) return {};
    double cost = 0;
    for (const char32_t c : characters(text))
        cost += c < 0x80 ? cost_of(c) : cost_of(c) - 1;  // few bytes of another coding make a sound sequence
    return {clean_text(as_bytes(text)), 2 * std::max(cost, 0.0) / static_cast<double>(text.size())};
}

/// As old cameras wrote accents: a few letters among ASCII. Anything denser is another coding.
Reading as_latin(BytesView raw) {
    const BytesView body = beginning(without_end(raw));
    double cost = 0;
    int together = 0;
    for (const std::uint8_t byte : body) {
        if (byte == 0) return {};
        together = byte < 0x80 ? 0 : together + 1;
        cost += cost_of(byte) + (together > 2 ? 8 : together > 1 ? 4 : 0);
    }
    if (body.empty()) return {};
    return {clean_text(body), 2 * cost / static_cast<double>(body.size())};
}

std::string taken(const Reading& reading) {
    return reading.cost <= kMostCost ? reading.text : std::string{};
}

Endian other(Endian order) {
    return order == Endian::big ? Endian::little : Endian::big;
}

/// A byte order mark is worth more than any statistics; nullopt where there is none.
std::optional<Reading> as_marked(BytesView raw) {
    if (starts_with(raw, "\xEF\xBB\xBF"sv)) return as_utf8(raw.subspan(3));
    if (starts_with(raw, "\xFE\xFF"sv)) return as_utf16(raw.subspan(2), Endian::big);
    if (starts_with(raw, "\xFF\xFE"sv)) return as_utf16(raw.subspan(2), Endian::little);
    return std::nullopt;
}

/// What claims to be ASCII, or claims nothing.
std::string plain_text(BytesView raw, Endian order) {
    if (const auto marked = as_marked(raw); marked && !taken(*marked).empty()) return taken(*marked);
    const BytesView body = without_end(raw);
    const auto zero = std::find(body.begin(), body.end(), std::uint8_t{0});
    if (zero != body.end()) {
        const Reading first = as_utf16(raw, order);
        const Reading wide = better(first, as_utf16(raw, other(order)));
        if (wide.cost < 1) return taken(wide);
    }
    const BytesView text = body.first(static_cast<std::size_t>(zero - body.begin()));
    if (zero != body.end() && text.size() < kWord) return {};
    const Reading utf8 = as_utf8(text);
    return taken(utf8.text.empty() ? as_latin(text) : utf8);
}

enum class Coding { none, ascii, unicode, jis };

/// The first eight bytes as the name of a coding, in any case, padded with zeros (ASCII: or blanks).
Coding named_coding(BytesView raw) {
    if (raw.size() < 8) return Coding::none;
    const auto name = photogate::ascii::to_upper(head_text(raw, 8));
    if (name == "ASCII\0\0\0"sv || name == "ASCII   "sv || name == "\0\0\0\0\0\0\0\0"sv) return Coding::ascii;
    if (name == "UNICODE\0"sv || name == "UTF-8\0\0\0"sv || name == "UTF8\0\0\0\0"sv) return Coding::unicode;
    if (name == "JIS\0\0\0\0\0"sv || name == "JIS     "sv) return Coding::jis;
    return Coding::none;
}

}  // namespace

std::string unicode_text(BytesView raw, Endian order) {
    if (const auto marked = as_marked(raw)) return taken(*marked);
    const Reading first = as_utf16(raw, order);
    const Reading wide = better(first, as_utf16(raw, other(order)));
    Reading utf8 = as_utf8(raw);
    utf8.cost += kUnexpected;
    return taken(better(wide, utf8));
}

std::string coded_text(BytesView raw, Endian order) {
    switch (named_coding(raw)) {
        case Coding::unicode:
            return unicode_text(raw.subspan(8), order);
        case Coding::ascii:
            return plain_text(raw.subspan(8), order);
        case Coding::jis: {
            // ISO 2022 needs tables that are not here; without its escapes the text is ASCII.
            const BytesView body = raw.subspan(8);
            const bool escapes =
                std::any_of(body.begin(), body.end(), [](std::uint8_t c) { return c == 0x1B || c >= 0x80; });
            return escapes ? std::string{} : plain_text(body, order);
        }
        case Coding::none:
            return plain_text(raw, order);
    }
    return {};
}

}  // namespace photogate::imaging
