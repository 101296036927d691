// Small steps on decoded pictures. Each answers an empty Image where libvips fails. Thread safety: one
// thread.
#pragma once

#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// 8 bit; grey stays grey, all else becomes sRGB; alpha is kept, further bands are dropped.
Image to_eight_bit_srgb(VipsImage* in);

enum class Fields {
    none,
    timing,  ///< what an animation needs: frames, their height, their delays, the loop count
};
/// Removes every field but those `kept`. An allow list: libvips writes thumbnails and Exif back from fields
/// that nobody thinks of (traps 1 to 3).
void drop_fields(VipsImage* image, Fields kept);

bool has_alpha(VipsImage* image);
/// Whether any pixel of an image in memory lets something through.
bool is_see_through(VipsImage* in_memory);
/// Alpha laid onto white; the image itself where there is none.
Image on_white(VipsImage* in);
Image without_alpha(VipsImage* in);

}  // namespace photogate::imaging
