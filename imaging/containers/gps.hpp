// Internal: a position from its parts, as Exif (2.32, 4.6.6) and XMP (exif:GPSLatitude, XMP part 2) give them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

/// One of the two angles: how far, and towards which side.
struct GpsAngle {
    std::optional<double> degrees;  ///< the magnitude, without a sign
    char side = '\0';               ///< 'N', 'S', 'E' or 'W'; '\0' where the file does not say
};

struct GpsParts {
    GpsAngle latitude;
    GpsAngle longitude;
    std::optional<double> altitude;  ///< metres, as the file has it
    /// Whether it is above the reference or below; nullopt where the file does not say.
    std::optional<bool> below;
};

/// The side that a reference names: its first letter, in either case; '\0' for anything else.
char side_of(std::string_view reference);

/// `33,51.5S`, `33,51,30S` or, with a sign in place of the side, `-33.8583`. `positive` and `negative` are the
/// sides that a sign stands for.
GpsAngle angle_of(std::string_view text, char positive, char negative);

/// Whether the parts name a place, if only without its hemispheres: which would be enough to find a person.
/// False where both angles are exactly 0, which is how phones blank a position.
bool names_a_place(const GpsParts& parts);

/// The position; nullopt where a part is missing or impossible, or where names_a_place() is false. A position
/// without its hemispheres would be a guess, and a wrong one is worse than none.
std::optional<GpsPosition> position_of(const GpsParts& parts);

}  // namespace photogate::imaging
