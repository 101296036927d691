// That a worker process can lay a watermark over a picture, asked of one at start-up rather than of the first upload.
//
// Thread safety: as the processor's.
#pragma once

#include "base/result.hpp"
#include "imaging/image_processor.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

/// Errors: invalid_configuration (its picture can't be decoded, or its text not be drawn), and those of the processor.
Result<> prove_watermark(ImageProcessor& imagers, const Watermark& mark);

}  // namespace photogate::imaging
