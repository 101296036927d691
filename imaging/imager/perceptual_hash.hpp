// dHash: 64 bits that change little when a picture is scaled, recompressed or recoloured. A hint for
// near-duplicates (Hamming distance up to 6), never a key or a permission.
//
// The picture is averaged to 9 × 8 grey fields; each bit says whether a field is brighter than the one to its
// left, row by row, the first field's bit highest. What lets through counts as on white. Thread safety: pure.
#pragma once

#include <cstdint>

#include "imaging/imager/rgba.hpp"

namespace photogate::imaging {

std::uint64_t perceptual_hash(const Rgba& picture);

}  // namespace photogate::imaging
