// The colour that most of a picture has: what a page shows where the picture will be.
//
// Thread safety: pure.
#pragma once

#include <string>

#include "imaging/imager/rgba.hpp"

namespace photogate::imaging {

/// `#rrggbb`: the mean of the fullest of 512 cells of sRGB, each pixel by its alpha; empty where nothing is to be seen.
std::string dominant_color(const Rgba& picture);

}  // namespace photogate::imaging
