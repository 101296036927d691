// From stripped bytes to pixels: the proof that the file is a picture to its last byte, and the base of all
// that is made of it.
//
// The base is upright, 8 bit, sRGB, Display P3 or grey, no larger than asked, without any metadata, and in memory (a lazy
// image of a sequential source can be read only once). One decode proves and shrinks in the same pass. What
// it steps round in Debian's libvips 8.14.1 stands beside each call. Thread safety: one thread.
#pragma once

#include <cstdint>

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/imager/colour_space.hpp"
#include "imaging/imager/vips_image.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

struct Decoding {
    BytesView bytes;  ///< stripped; must outlive what is made of it
    const Inspection* inspection = nullptr;
    const Limits* limits = nullptr;
    std::uint32_t max_edge = 0;  ///< pixels; never enlarged
    Gamut gamut = Gamut::srgb;   ///< of a still
};

struct Decoded {
    Image base;                             ///< of an animation: its first frame
    ColourSpace space = ColourSpace::srgb;  ///< of `base`: display_p3 where colours beyond sRGB are kept
    std::uint32_t width = 0;                ///< of the original, upright
    std::uint32_t height = 0;               ///< of the original, upright
    /// Restart intervals of a JPEG that are damaged, at least; only where the limits let such a picture pass.
    std::uint32_t damaged_intervals = 0;
};

/// Rejections: corrupt, truncated, unsupported_format, too_many_pixels.
tl::expected<Decoded, Rejection> decode(const Decoding& what);

/// All frames, one above the other as libvips keeps them, shrunk, sRGB; lazy: to be read once, which decodes
/// it.
tl::expected<Image, Rejection> open_animation(const Decoding& what);

/// Decodes every frame and keeps none.
tl::expected<void, Rejection> prove_animation(const Decoding& what);

/// What went wrong, from libvips' words.
Rejection decoding_failure();

}  // namespace photogate::imaging
