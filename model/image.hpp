// An image that photogate made, and the object that holds it.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>

#include "base/words.hpp"

namespace photogate::model {

/// What the published image is and where it lies.
struct PublishedImage {
    ObjectKey key;
    ETag etag;
    std::string sha256;  ///< lower-case hex, of the published bytes
    std::string format;  ///< `jpeg`, `webp`, …
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    ByteSize size = 0;
    bool operator==(const PublishedImage&) const = default;
};

}  // namespace photogate::model
