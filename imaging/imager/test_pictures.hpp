// Two pictures of 64 × 64 that can't be made here, because encoders for them may be absent: for the warm-up.
#pragma once

#include "base/encoding.hpp"

namespace photogate::imaging {

extern const BytesView kTinyAvif;
extern const BytesView kTinyHeic;

}  // namespace photogate::imaging
