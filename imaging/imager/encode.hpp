// From pixels to the bytes of one format, with the settings that were measured to be worth their time.
//
// What comes out is not yet clean: savers of libvips 8.14 invent or keep metadata (traps 1 to 3), so the
// caller passes every result through clean_container(). Thread safety: one thread.
#pragma once

#include <cstdint>

#include "base/encoding.hpp"
#include "base/result.hpp"
#include "imaging/format.hpp"
#include "imaging/imager/colour_space.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// Sides beyond this can't be written as WebP or AVIF; nothing is published larger.
inline constexpr std::uint32_t kMaxEncodedEdge = 16'383;

/// HEIC (its encoders are GPL) and TIFF are read, never written. AVIF: where libheif has an encoder.
bool can_encode(Format format);

struct Encoding {
    Format format = Format::jpeg;
    enum class Loss { lossy, lossless } loss = Loss::lossy;  ///< of WebP alone
    int quality = 82;  ///< 1 to 100 on JPEG's scale; WebP and AVIF get the values that look the same
    ColourSpace space = ColourSpace::srgb;  ///< of the pixels of a still, which the file says
};

/// A still, from an image in memory. JPEG has no alpha channel: transparent pictures are flattened onto white.
/// Errors: internal.
Result<Bytes> encode(VipsImage* in_memory, const Encoding& how);

/// All frames of a roll that open_animation() gave: WebP or GIF. This reads the roll and so decodes it: the
/// picture may be at fault for an `internal`, and the caller finds out by decoding it alone.
Result<Bytes> encode_animation(VipsImage* roll, const Encoding& how);

}  // namespace photogate::imaging
