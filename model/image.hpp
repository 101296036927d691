// An image that photogate made, and the object that holds it.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
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
    /// Whether it may let something through; nullopt: of an image from before this was recorded.
    std::optional<bool> has_alpha;
    /// Of an upload's published image: the identity of the watermark that it carries, kKeptClean, or empty for none.
    std::string watermark;
    bool operator==(const PublishedImage&) const = default;
};

/// A version of a published image that its profile names.
struct Variant {
    std::string name;
    PublishedImage image;
    bool operator==(const Variant&) const = default;
};

}  // namespace photogate::model
