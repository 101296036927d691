// Inside the room: single values of a TIFF directory, decoded without trust.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/containers/byte_reader.hpp"

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
};

/// Bytes of one value; 0 where the type is unknown.
std::uint32_t width_of(std::uint16_t type);

struct Field {
    std::uint16_t tag = 0;
    std::uint16_t type = 0;
    std::uint32_t count = 0;
    BytesView value;
};

/// Value `index` as a number; nullopt for what is no number, 0/0, n/0, infinities and what lies outside.
std::optional<double> number_at(const Field& field, std::uint32_t index, Endian endian);

bool is_text(const Field& field);
std::optional<std::string> text_of(const Field& field);

/// `2018:07:25 16:34:23` as `2018-07-25T16:34:23`; nullopt for blanks, zeros and nonsense.
std::optional<std::string> iso_8601(std::string_view text);

/// `+02:00`, `-05:30` or `Z`; empty otherwise.
std::string offset_of(std::string_view text);

}  // namespace photogate::imaging::exif
