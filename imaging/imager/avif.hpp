// AVIF written by libheif itself: libvips 8.14's saver hands libheif an empty error text, which libheif 1.19
// refuses ("heif_writer callback returned a null error text"), so it can write no file at all.
//
// Thread safety: one thread.
#pragma once

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "imaging/imager/colour_space.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// False where libheif finds no AV1 encoder (Debian: libheif-plugin-aomenc).
bool can_encode_avif();

/// `quality` on JPEG's scale. 8 bit, 4:2:0, its colour space signalled, no metadata. Errors: internal.
Result<Bytes> encode_avif(VipsImage* in_memory, int quality, ColourSpace space);

}  // namespace photogate::imaging
