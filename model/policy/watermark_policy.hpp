// What a profile lays over the pictures that it shows, and over which of them.
//
// Every version that is made on demand carries it. One with a name is laid over where a package asks for it, in its place; its
// `published` has no meaning. Thread safety: immutable values.
#pragma once

#include <cstddef>
#include <string>

#include "imaging/version_spec.hpp"

namespace photogate::model {

struct WatermarkPolicy {
    imaging::Watermark mark;  ///< complete once the configuration is valid
    std::string image_file;   ///< that `mark.picture` is from; empty: it is a text
    /// The published image: marked, or kept clean and never given out. Then the image as it is asked for without
    /// parameters is a version too.
    enum class Published { marked, clean } published = Published::marked;
};

/// Watermarks with a name that a profile may have.
inline constexpr std::size_t kMostNamedWatermarks = 8;

/// What a published image's row says of it in place of a watermark's identity: it is clean, and to stay private.
inline constexpr char kKeptClean[] = "clean";

}  // namespace photogate::model
