// A picture small enough for its hashes and its dominant colour.
//
// Averages over boxes, straight from memory: the hashes want every pixel's share, not a resampling filter's.
//
// Thread safety: as libvips.
#pragma once

#include "base/result.hpp"
#include "imaging/imager/rgba.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// At most 100 pixels along the longer edge: ThumbHash takes no larger picture. Errors: internal.
Result<Rgba> small_copy(VipsImage* base);

}  // namespace photogate::imaging
