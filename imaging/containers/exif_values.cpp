#include "imaging/containers/exif_values.hpp"

#include <cmath>
#include <cstring>

#include "imaging/containers/text.hpp"

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
            out = reader.u32();
            break;
        case kSignedLong:
            out = static_cast<std::int32_t>(reader.u32());
            break;
        case kRational: {
            const std::uint32_t numerator = reader.u32();
            out = ratio(numerator, reader.u32());
            break;
        }
        case kSignedRational: {
            const auto numerator = static_cast<std::int32_t>(reader.u32());
            out = ratio(numerator, static_cast<std::int32_t>(reader.u32()));
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

bool is_text(const Field& field) {
    return field.type == kAscii || field.type == 129;
}

std::optional<std::string> text_of(const Field& field) {
    if (!is_text(field) && field.type != kByte && field.type != kUndefined) return std::nullopt;
    std::string text = clean_text(field.value);
    if (text.empty()) return std::nullopt;
    return text;
}

std::optional<std::string> iso_8601(std::string_view text) {
    static constexpr std::string_view kShape = "dddd:dd:dd dd:dd:dd";
    if (text.size() < kShape.size()) return std::nullopt;
    text = text.substr(0, kShape.size());
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        const bool separator =
            text[i] == kShape[i] || text[i] == '-' || text[i] == '/' || text[i] == 'T' || text[i] == '.';
        if (kShape[i] == 'd' ? !digit : !separator) return std::nullopt;
    }
    const auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const bool possible = text.substr(0, 4) != "0000" && two(5) >= 1 && two(5) <= 12 && two(8) >= 1 &&
                          two(8) <= 31 && two(11) <= 23 && two(14) <= 59 && two(17) <= 60;
    if (!possible) return std::nullopt;
    std::string out(text);
    out[4] = out[7] = '-';
    out[10] = 'T';
    out[13] = out[16] = ':';
    return out;
}

std::string offset_of(std::string_view text) {
    if (text == "Z") return "Z";
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return {};
    for (const std::size_t at : {1U, 2U, 4U, 5U})
        if (text[at] < '0' || text[at] > '9') return {};
    const int hours = (text[1] - '0') * 10 + (text[2] - '0');
    return hours <= 15 && text[4] <= '5' ? std::string(text) : std::string{};
}

}  // namespace photogate::imaging::exif
