// Which picture is made of another one: its size, its format, what is laid over it. Which facts are told about
// the original is another matter (FactsPolicy in picture.hpp).
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "base/words.hpp"
#include "imaging/format.hpp"

namespace photogate::imaging {

/// How the published picture comes about.
enum class PublishMode {
    reencode,  ///< decoded, made upright, sRGB, rescaled, encoded anew
    strip,  ///< the pixels' bytes untouched, all else removed; only where the format allows it, else reencode
};

/// What `max_edge` bounds. Neither enlarges.
enum class Fit {
    inside,   ///< the longer edge
    outside,  ///< the shorter edge
};

/// The proportions of the largest area that is kept, or that the picture is stretched to.
struct Aspect {
    std::uint32_t width = 1;   ///< 1 to 16,384
    std::uint32_t height = 1;  ///< 1 to 16,384
    bool operator==(const Aspect&) const = default;
};

/// How a picture gets other proportions.
enum class Reshape {
    crop,     ///< what does not fit is cut off
    stretch,  ///< all of it is kept, out of its proportions
};

/// Which part is kept where something is cut off.
enum class Gravity {
    centre,
    north,
    north_east,
    east,
    south_east,
    south,
    south_west,
    west,
    north_west,
    attention,  ///< where a look goes first: bright colours, skin, edges
    entropy,    ///< where most is to be seen
};
inline constexpr Gravity kAllGravities[] = {Gravity::centre,     Gravity::north,      Gravity::north_east,
                                            Gravity::east,       Gravity::south_east, Gravity::south,
                                            Gravity::south_west, Gravity::west,       Gravity::north_west,
                                            Gravity::attention,  Gravity::entropy};

/// What happens where the picture would have more bytes than the file that it is made of.
enum class Growth {
    avoid,   ///< a lower quality, or another format where it is ours to choose
    accept,  ///< it is published so
};

/// What happens to a still picture whose colours go beyond sRGB.
enum class Gamut {
    srgb,  ///< converted to sRGB
    kept,  ///< as Display P3, with that profile, in a format that can carry one (GIF can't)
};

/// What happens to a still picture that is shrunk to at most half of its size and at most kMaxSharpenedEdge pixels.
enum class Sharpening {
    off,   ///< as the filter leaves it
    mild,  ///< its lightness alone, with a radius of half a pixel
};
inline constexpr std::uint32_t kMaxSharpenedEdge = 320;

inline constexpr ByteSize kMaxWatermark = 4ULL << 20;  ///< bytes of a picture that is laid over

/// How often a watermark is laid over the picture.
enum class Tiling {
    once,   ///< at its place
    tiled,  ///< all over, with its offset between the copies
};

/// What is laid over the result: a picture, or a line of text. A version carries the bytes with it, and is known by
/// their digest.
struct Watermark {
    std::string sha256;  ///< of the picture's bytes, or of the text and its font's: 64 lower-case hex digits
    std::shared_ptr<const Bytes> picture;  ///< null: it is a text
    std::string text;  ///< where `picture` is null; of the placeholders, {taken_at:…} alone is left
    std::string font;  ///< of a text: the path of a font that the worker processes have loaded
    /// Of the picture that is marked, for {taken_at:…}: as FactsPolicy tells it. Of an upload the file decides.
    std::optional<std::string> taken_at;
    Gravity gravity = Gravity::south_east;  ///< neither attention nor entropy
    std::uint32_t size = 20;  ///< percent of the result's shorter edge that its longer edge takes; 1 to 100
    std::uint32_t opacity = 60;  ///< percent; 1 to 100
    /// From the edges that `gravity` names, in percent of the result's shorter edge; 0 to 50.
    std::uint32_t offset_x = 2;
    std::uint32_t offset_y = 2;
    Tiling tiling = Tiling::once;
    /// Whether the picture that the version is made of carries this watermark already. Then it is laid over only what
    /// is cropped to an area that does not show all of it.
    enum class Source { clean, marked } source = Source::clean;

    /// What it is and how it is laid over, as text: of a-z, 0-9, `.`, `_`; at most 76 characters.
    std::string identity() const;
    /// Of the picture's bytes the digest counts.
    bool operator==(const Watermark& other) const;
};

struct VersionSpec {
    PublishMode mode = PublishMode::reencode;
    std::uint32_t max_edge = 2048;  ///< pixels
    Fit fit = Fit::inside;
    std::optional<Aspect> crop;  ///< other proportions than the picture's own; `reshape` says how
    Reshape reshape = Reshape::crop;
    Gravity gravity = Gravity::centre;  ///< of Reshape::crop
    /// nullopt: JPEG for what is opaque, WebP for what has alpha or moves.
    std::optional<Format> format;
    int quality = 82;  ///< 1 to 100, on JPEG's scale
    Growth growth = Growth::avoid;
    /// What the result may have; 0: any. The quality is lowered until it fits, to 30 at the least (WebP: 20).
    ByteSize max_bytes = 0;
    Gamut gamut = Gamut::srgb;
    Sharpening sharpening = Sharpening::off;
    std::optional<Watermark> watermark;

    bool operator==(const VersionSpec&) const = default;

    /// The same text for the same picture, whoever asks: `2.reencode.2048.inside.4x3.webp.82.-`; behind it
    /// the gravity, `stretch`, `grown`, `most` with the bytes, `wide` and `sharp`, each where it is not the default. It consists of
    /// a-z, 0-9, `.`, `-`, `_` and is at most 240 characters long. Where the meaning of a member changes, the
    /// number in front does. Caches, single flights and stored rows share it.
    std::string key() const;
};

struct PictureSize {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    bool operator==(const PictureSize&) const = default;
};
/// The largest area of those proportions in a picture.
PictureSize largest_area(PictureSize whole, const Aspect& aspect);
/// The longer edge of what is made of an area that has the version's proportions. Never enlarged.
std::uint32_t fitted_edge(PictureSize area, const VersionSpec& version);

/// A sentence that says what is wrong with it, or nothing.
std::optional<std::string> complaint_about(const VersionSpec& spec);

std::string_view to_string(PublishMode mode);
std::string_view to_string(Fit fit);
std::string_view to_string(Reshape reshape);
std::string_view to_string(Gravity gravity);
std::string_view to_string(Tiling tiling);
std::string_view to_string(Growth growth);
std::string_view to_string(Gamut gamut);
std::string_view to_string(Sharpening sharpening);

}  // namespace photogate::imaging
