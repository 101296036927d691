// What a file is, by its bytes alone: never by its name or by what was declared.
//
// Known formats that photogate does not take (SVG, PDF, BMP, JPEG XL, animated AVIF, cameras' raw files, …) are told apart from
// what is no picture at all, so that the uploader gets an honest answer.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "imaging/format.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

/// A format that is recognised and refused.
struct UnsupportedKind {
    std::string_view name;  ///< a static text for the answer's detail: `SVG`, `PDF`, …
    bool operator==(const UnsupportedKind&) const = default;
};

using Sniffed = std::variant<Format, UnsupportedKind>;

/// nullopt where nothing is recognised. Looks at no more than the first 4 KiB, and at a TIFF's directories: a
/// camera's raw file may be a TIFF (camera_raw.hpp).
std::optional<Sniffed> sniff(BytesView file);

/// Whether a declared media type names something else than what was found (imaging::read_media_type). A type
/// that says nothing contradicts nothing.
bool contradicts(std::string_view declared_type, Format found);

struct Admission {
    std::optional<std::string_view> declared_type;
    std::span<const Format> accepted;  ///< what the profile takes
};

/// The first gate. Rejections, in this order: empty, not_an_image, unsupported_format (refused by us),
/// mime_mismatch, unsupported_format (refused by the profile).
tl::expected<Format, Rejection> admit(BytesView file, const Admission& admission);

}  // namespace photogate::imaging
