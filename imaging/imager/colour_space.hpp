// Which colours the numbers of a picture in memory mean: those of sRGB, or those of Display P3 where a profile keeps
// what goes beyond sRGB.
//
// Display P3 has the primaries of SMPTE EG 432-1, the white D65 and the curve of sRGB; its profile is libvips' own,
// rebuilt as any other is, so it is the same bytes in every picture. Thread safety: one thread.
#pragma once

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "imaging/format.hpp"
#include "imaging/imager/rgba.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

enum class ColourSpace { srgb, display_p3 };

/// libvips' name of its profile.
const char* name_of(ColourSpace space);

/// What libvips read of the file's profile; empty where there is none. Valid as long as the image.
BytesView profile_of(VipsImage* image);

/// Display P3's, as it is published. Empty where libvips has none.
const Bytes& display_p3_profile();
/// Whether it is exactly the one that this space's pictures are published with. Those of sRGB have none.
bool is_profile_of(BytesView profile, ColourSpace space);

/// Whether a file of that format can say that it is Display P3.
bool can_be_display_p3(Format format);

/// From one to the other; in memory, without a profile, alpha as it is. Empty where libvips fails.
Image to_space(VipsImage* in_memory, ColourSpace from, ColourSpace to);
/// The same of a small picture. Errors: internal.
Result<Rgba> to_srgb(Rgba picture, ColourSpace from);

}  // namespace photogate::imaging
