// What a file says about the meaning of its numbers, besides an ICC profile: HEIF's `colr` box of kind
// `nclx`, PNG's `cICP`, `sRGB`, `gAMA` and `cHRM`.
//
// The order of precedence is the formats' own and that of browsers. PNG 3rd edition, 4.3: cICP, iCCP, sRGB,
// gAMA with cHRM. ISO 23000-22, 7.3.6.4: an ICC profile before nclx. A tag that a stronger one overrules is
// not reported. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"

namespace photogate::imaging {

/// ITU-T H.273. 2 means unspecified. The matrix and the range are the decoder's business.
struct CodePoints {
    std::uint8_t primaries = 2;
    std::uint8_t transfer = 2;
    bool operator==(const CodePoints&) const = default;
};

/// CIE 1931 x and y.
struct Chromaticity {
    double x = 0;
    double y = 0;
};

struct Chromaticities {
    Chromaticity white;
    Chromaticity red;
    Chromaticity green;
    Chromaticity blue;
};

struct ColourTags {
    std::optional<CodePoints> code_points;
    /// How code points of the video curves (1, 6, 11, 14, 15) are meant to be displayed: browsers take them as sRGB
    /// in AVIF, and as BT.1886's gamma of 2.4 in PNG.
    enum class VideoCurve { srgb, bt1886 } video_curve = VideoCurve::srgb;
    std::optional<double> gamma;  ///< of the encoding: sample = light ^ gamma; 0.4545 is usual
    std::optional<Chromaticities> chromaticities;
};

/// Empty where the file has none, has them malformed, or they are overruled. `file` is one that inspect()
/// accepted, or its stripped form.
ColourTags read_colour_tags(BytesView file, Format format);

}  // namespace photogate::imaging
