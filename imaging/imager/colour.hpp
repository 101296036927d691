// From what a picture's numbers mean to sRGB or Display P3, where the file says so without an ICC profile.
//
// Primaries and transfer functions are those of ITU-T H.273. The video transfer functions of BT.601, BT.709
// and BT.2020 are taken as ColourTags::VideoCurve says. PQ (SMPTE ST 2084) and HLG (BT.2100) are
// tone-mapped as Chromium does on a display without HDR: white, at 203 cd/m² (BT.2408), gets half the display's
// light, and the largest of the three channels is rolled off from there to the brightest, at 1,000 cd/m².
// A PNG's gamma is used alone or with chromaticities; chromaticities without a gamma are not. Colours beyond
// the result's are clipped. Thread safety: pure functions.
#pragma once

#include <array>
#include <optional>

#include "imaging/imager/colour_space.hpp"
#include "imaging/imager/colour_tags.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

struct SourceColour {
    enum class Transfer { srgb, gamma, pq, hlg } transfer = Transfer::srgb;
    double exponent = 1;  ///< of Transfer::gamma: light = sample ^ exponent
    /// Linear source RGB to linear RGB of the result, row by row. Both whites are mapped onto each other (Bradford).
    std::array<double, 9> matrix = {1, 0, 0, 0, 1, 0, 0, 0, 1};

    bool is_hdr() const { return transfer == Transfer::pq || transfer == Transfer::hlg; }
};

/// To that colour space. nullopt where the numbers are of it as they are, or the tags name nothing that is known.
std::optional<SourceColour> source_colour(const ColourTags& tags, ColourSpace to);

/// Whether the tags name primaries that span notably more than those of sRGB.
bool are_wide(const ColourTags& tags);

/// Of a picture of 8 or 16 bit with 1 to 4 bands: 8 bit colours or grey, in memory; alpha as it is. Empty where
/// libvips fails.
Image convert_colours(VipsImage* device, const SourceColour& colour);

}  // namespace photogate::imaging
