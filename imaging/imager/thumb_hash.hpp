// ThumbHash (evanw.github.io/thumbhash): a placeholder of about 25 bytes with the picture's colours, aspect
// ratio and alpha.
//
// Thread safety: pure.
#pragma once

#include "base/encoding.hpp"
#include "imaging/imager/rgba.hpp"

namespace photogate::imaging {

/// At most 100 × 100 pixels, at least one.
Bytes thumb_hash(const Rgba& picture);

}  // namespace photogate::imaging
