// The picture formats that photogate takes in and gives out, and their names on the wire.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::imaging {

enum class Format { jpeg, png, webp, gif, heic, avif, tiff };
inline constexpr std::array kAllFormats = {Format::jpeg, Format::png,  Format::webp, Format::gif,
                                           Format::heic, Format::avif, Format::tiff};

/// `jpeg`, `png`, …: the word in configuration and in answers.
std::string_view to_string(Format format);
std::optional<Format> parse_format(std::string_view word);

/// `image/jpeg`, …
std::string_view media_type(Format format);
/// What a declared media type says: nothing (`nothing`: empty, `application/octet-stream`,
/// `binary/octet-stream`), one of our formats under any of its names, or something else.
struct DeclaredType {
    enum class Says { nothing, format, other };
    Says says = Says::nothing;
    std::optional<Format> format;  ///< of Says::format
};
/// The only list of names: `image/jpg` and `image/pjpeg` are JPEG, `image/apng` is PNG, `image/heif` is HEIC, …
/// Case, parameters and white space around the type do not matter (RFC 9110 8.3.1).
DeclaredType read_media_type(std::string_view declared);

/// Without the dot: `jpg`, `png`, `webp`, `gif`, `heic`, `avif`, `tif`.
std::string_view file_extension(Format format);

/// Whether the first bytes are those by which this format is known to everyone who sniffs: a comparison, no
/// parser. What follows them may still be anything.
bool begins_as(Format format, BytesView file);

}  // namespace photogate::imaging
