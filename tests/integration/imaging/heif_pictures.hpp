// AVIF files of shapes that our own encoder does not write: with a thumbnail, with metadata that belongs to
// no picture.
#pragma once

#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::imaging::testing {

/// What is drawn: a flat grey, 0 to 255.
struct AvifShape {
    std::uint8_t grey = 200;
    int width = 320;
    int height = 240;
    /// The embedded thumbnail's grey; none where negative.
    int thumbnail_grey = -1;
    enum class Metadata { none, exif_and_xmp } metadata = Metadata::none;
};
/// Empty, with the test failed, where libheif can't.
Bytes make_avif(const AvifShape& shape);

/// The bytes of an item (1 is the picture, 2 its thumbnail) overwritten with 0xFF.
Bytes with_broken_item(Bytes file, std::uint32_t item);

/// The Exif item said to describe the XMP item instead of the picture: as iOS 18 points at items that a
/// decoder does not know.
Bytes with_metadata_of_no_picture(Bytes file);

}  // namespace photogate::imaging::testing
