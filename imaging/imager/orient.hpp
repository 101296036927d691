// Exif's orientation made real: TIFF 6 tag 274, 1 to 8. Thread safety: one thread.
#pragma once

#include <cstdint>

#include <tl/expected.hpp>

#include "imaging/imager/vips_image.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

/// Turned and mirrored so that 1 would be right, in memory again. Empty where libvips fails.
Image make_upright(Image in_memory, std::uint8_t orientation);

/// The same for every frame of a roll (open_animation()), which is decoded by this and in memory afterwards. A roll
/// is one picture to libvips: turned as a whole, its frames would lie side by side.
/// Rejections: corrupt, truncated; too_many_pixels where the frames take more than 400 MB together.
tl::expected<Image, Rejection> make_frames_upright(Image roll, std::uint8_t orientation);

}  // namespace photogate::imaging
