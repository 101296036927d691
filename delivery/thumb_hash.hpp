// A ThumbHash (evanw.github.io/thumbhash) made a picture again, and that a PNG of a few hundred bytes.
//
// The work is bounded by the size that is asked for: at most kMostPlaceholderEdge in each direction, some 40 terms a pixel.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/encoding.hpp"

namespace photogate::delivery {

inline constexpr std::uint32_t kMostPlaceholderEdge = 32;

/// Rows from the top, straight alpha.
struct TinyPicture {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    Bytes rgba;
};

/// In the proportions of a picture of this size, which has one pixel at least in each direction; its longer edge is
/// kMostPlaceholderEdge. nullopt: the bytes are no ThumbHash.
std::optional<TinyPicture> decode_thumb_hash(BytesView hash, std::uint32_t width, std::uint32_t height);

/// PNG (RFC 2083), with alpha only where something is not opaque.
std::string to_png(const TinyPicture& picture);

}  // namespace photogate::delivery
