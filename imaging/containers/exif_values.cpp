#include "imaging/containers/exif_values.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "base/ascii.hpp"
#include "imaging/parts/text.hpp"

namespace photogate::imaging::exif {

std::uint32_t width_of(std::uint16_t type) {
    switch (type) {
        case kByte:
        case kAscii:
        case kSignedByte:
        case kUndefined:
        case 129:
            return 1;  // Exif 3.0's UTF-8
        case kShort:
        case kSignedShort:
            return 2;
        case kLong:
        case kSignedLong:
        case kFloat:
        case kDirectory:
            return 4;
        case kRational:
        case kSignedRational:
        case kDouble:
            return 8;
        default:
            return 0;
    }
}

namespace {

std::optional<double> finite(double value) {
    if (!std::isfinite(value)) return std::nullopt;
    return value;
}

constexpr std::uint32_t kUnknown = 0xFFFFFFFF;

/// 0/0 and n/0 are "unknown" in Exif.
std::optional<double> ratio(double numerator, double denominator) {
    if (denominator == 0) return std::nullopt;
    return finite(numerator / denominator);
}

}  // namespace

std::optional<double> number_at(const Field& field, std::uint32_t index, Endian endian) {
    if (index >= field.count) return std::nullopt;
    ByteReader reader(field.value, endian);
    reader.seek(static_cast<std::uint64_t>(index) * width_of(field.type));
    std::optional<double> out;
    switch (field.type) {
        case kByte:
        case kUndefined:
            out = reader.u8();
            break;
        case kSignedByte:
            out = static_cast<std::int8_t>(reader.u8());
            break;
        case kShort:
            out = reader.u16();
            break;
        case kSignedShort:
            out = static_cast<std::int16_t>(reader.u16());
            break;
        case kLong:
        case kDirectory:
            out = reader.u32();
            break;
        case kSignedLong:
            out = static_cast<std::int32_t>(reader.u32());
            break;
        case kRational: {
            const std::uint32_t numerator = reader.u32();
            const std::uint32_t denominator = reader.u32();
            if (numerator != kUnknown && denominator != kUnknown) out = ratio(numerator, denominator);
            break;
        }
        case kSignedRational: {
            const auto numerator = static_cast<std::int32_t>(reader.u32());
            const std::uint32_t denominator = reader.u32();
            if (denominator != kUnknown) out = ratio(numerator, static_cast<std::int32_t>(denominator));
            break;
        }
        case kFloat: {
            const std::uint32_t bits = reader.u32();
            float value = 0;
            std::memcpy(&value, &bits, sizeof value);
            out = finite(value);
            break;
        }
        case kDouble: {
            const std::uint64_t bits = reader.u64();
            double value = 0;
            std::memcpy(&value, &bits, sizeof value);
            out = finite(value);
            break;
        }
        default:
            break;
    }
    return reader.ok() ? out : std::nullopt;
}

std::optional<std::uint32_t> whole_at(const Field& field, std::uint32_t index, Endian endian,
                                      std::uint32_t max) {
    const std::optional<double> value = number_at(field, index, endian);
    if (!value || *value < 0 || *value > max || *value != std::trunc(*value)) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

bool is_text(const Field& field) {
    return field.type == kAscii || field.type == 129;
}

std::optional<std::string> text_of(const Field& field) {
    if (!is_text(field) && field.type != kByte && field.type != kUndefined) return std::nullopt;
    std::string text = clean_text(field.value);
    if (text.empty()) return std::nullopt;
    return text;
}

std::optional<double> decimal_of(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || text.size() > 40) return std::nullopt;
    const auto value = ascii::parse_whole<double>(text);
    return value ? finite(*value) : std::nullopt;
}

namespace {

/// Two digits; the caller has seen that they are.
int two_digits(std::string_view text, std::size_t at) {
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

int days_in(int year, int month) {
    static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month) - 1];
}

/// The first 19 characters, without an offset.
std::optional<std::string> local_time(std::string_view text) {
    static constexpr std::string_view kShape = "dddd:dd:dd dd:dd:dd";
    if (text.size() < kShape.size()) return std::nullopt;
    text = text.substr(0, kShape.size());
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool separator =
            text[i] == kShape[i] || text[i] == '-' || text[i] == '/' || text[i] == 'T' || text[i] == '.';
        if (kShape[i] == 'd' ? !ascii::is_digit(text[i]) : !separator) return std::nullopt;
    }
    const int year = two_digits(text, 0) * 100 + two_digits(text, 2);
    const int month = two_digits(text, 5);
    const int day = two_digits(text, 8);
    if (year == 0 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return std::nullopt;
    if (two_digits(text, 11) > 23 || two_digits(text, 14) > 59 || two_digits(text, 17) > 59)
        return std::nullopt;
    std::string out(text);
    out[4] = out[7] = '-';
    out[10] = 'T';
    out[13] = out[16] = ':';
    return out;
}

/// An offset from UTC, and whether a clock could have it.
struct Offset {
    std::string text;  ///< `+02:00` or `Z`; empty where there is none
    bool possible = true;
};

Offset offset_of(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    if (text == "Z" || text == "z") return {"Z"};
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return {};
    std::string digits;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (i == 3 && text[i] == ':') continue;
        if (!ascii::is_digit(text[i])) return {};
        digits.push_back(text[i]);
    }
    if (digits.size() == 2) digits += "00";
    if (digits.size() != 4) return {};
    const int hours = two_digits(digits, 0);
    const int minutes = two_digits(digits, 2);
    return {text[0] + digits.substr(0, 2) + ":" + digits.substr(2),
            minutes < 60 && hours * 60 + minutes <= 14 * 60};
}

/// What stands behind the time: maybe a fraction of a second, maybe an offset.
Offset offset_behind(std::string_view text) {
    if (!text.empty() && (text[0] == '.' || text[0] == ',')) {
        text.remove_prefix(1);
        while (!text.empty() && ascii::is_digit(text[0]))
            text.remove_prefix(1);
    }
    return offset_of(text);
}

}  // namespace

std::optional<std::string> moment_of(std::string_view text, std::string_view offset) {
    std::optional<std::string> out = local_time(text);
    if (!out) return std::nullopt;
    Offset found = offset_of(offset);
    if (found.text.empty()) found = offset_behind(text.substr(out->size()));
    if (!found.possible) return std::nullopt;
    return *out + found.text;
}

}  // namespace photogate::imaging::exif
