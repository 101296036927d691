// Pictures made smaller: Lanczos with three lobes, in one pass from top to bottom.
//
// libvips 8.14 works out the horizontal half of a reduction one number at a time. This takes about a quarter of its
// time for the same filter, and keeps six bits more between the two halves. Integers throughout, so that every machine
// gives the same bytes. Thread safety: one thread.
#pragma once

#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {

/// 8 bit, without alpha, grey or of three colours. All else is libvips'.
bool can_resample(VipsImage* image);

/// Which instructions are used: the result is the same.
enum class Vectors {
    widest,  ///< that the processor has
    sse2,    ///< at most
    none,
};

/// In memory, without fields. The sides are no larger than those of `in`, which may be lazy: it is read once, from its top
/// to its end. Empty where it can't be read.
Image resampled(VipsImage* in, int width, int height, Vectors vectors = Vectors::widest);

/// As libvips' thumbnail of that edge: the proportions stay, and nothing is enlarged. The picture itself where its size
/// stays; where it can't be resampled here, libvips' thumbnail, lazy. Empty where it can't be read.
Image shrunk_to(VipsImage* in, int edge);

}  // namespace photogate::imaging
