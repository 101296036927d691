// Exif's orientation made real: TIFF 6 tag 274, 1 to 8. Thread safety: one thread.
#pragma once

#include <cstdint>

#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// Turned and mirrored so that 1 would be right, in memory again. Empty where libvips fails.
Image make_upright(Image in_memory, std::uint8_t orientation);

}  // namespace photogate::imaging
