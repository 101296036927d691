// Internal: single values of a TIFF directory, decoded without trust.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/byte_reader.hpp"

namespace photogate::imaging::exif {

enum Type : std::uint16_t {
    kByte = 1,
    kAscii,
    kShort,
    kLong,
    kRational,
    kSignedByte,
    kUndefined,
    kSignedShort,
    kSignedLong,
    kSignedRational,
    kFloat,
    kDouble,
    kDirectory,  ///< IFD: a LONG that points to a directory
};

/// Bytes of one value; 0 where the type is unknown.
std::uint32_t width_of(std::uint16_t type);

struct Field {
    std::uint16_t tag = 0;
    std::uint16_t type = 0;
    std::uint32_t count = 0;
    BytesView value;
};

/// Value `index` as a number; nullopt for what is no number, 0/0, n/0, infinities and what lies outside, and
/// for a ratio with a part of 0xFFFFFFFF, which is Exif's "unknown" and "infinite" (of a signed one, only the
/// denominator: its numerator may be -1).
std::optional<double> number_at(const Field& field, std::uint32_t index, Endian endian);

/// Value `index` where it is a whole number from 0 to `max`, of any numeric type.
std::optional<std::uint32_t> whole_at(const Field& field, std::uint32_t index, Endian endian,
                                      std::uint32_t max);

bool is_text(const Field& field);
std::optional<std::string> text_of(const Field& field);

/// A decimal number with nothing around it but blanks.
std::optional<double> decimal_of(std::string_view text);

/// A moment as Exif and XMP write it, in ISO 8601: `2018:07:25 16:34:23` is `2018-07-25T16:34:23`, fractions of
/// a second left out. Its offset from UTC comes from `offset` (`+02:00`, `-0530`, `Z`) or, where that is no
/// offset, from the end of the text. nullopt for blanks, zeros and nonsense, and for what no calendar or clock
/// has: a day that is not in its month, second 60, an offset beyond 14:00.
std::optional<std::string> moment_of(std::string_view text, std::string_view offset);

}  // namespace photogate::imaging::exif
