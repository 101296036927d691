// What a page shows until it has the image: `?placeholder=1`.
//
// Before its publication nothing is known of an image but what its client said, and of a name that the public asks for not
// even whether there is an upload: all of these have the same neutral one. Afterwards it is the image's ThumbHash as a
// picture, in its proportions.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "delivery/published_images.hpp"

namespace photogate::delivery {

struct Placeholder {
    std::string png;
    std::string etag;  ///< with its quotes, strong
};

/// Of what has no ThumbHash, one pixel of its dominant colour, or the neutral one.
Placeholder placeholder_of(const LocatedImage& image);

/// One grey pixel.
const Placeholder& neutral_placeholder();

}  // namespace photogate::delivery
