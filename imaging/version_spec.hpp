// Which picture is made of another one: its size, its format, what is laid over it. Which facts are told about
// the original is another matter (FactsPolicy in picture.hpp).
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// The proportions of the largest centred area that is kept.
struct Aspect {
    std::uint32_t width = 1;   ///< 1 to 1,000
    std::uint32_t height = 1;  ///< 1 to 1,000
    bool operator==(const Aspect&) const = default;
};

/// What happens where the picture would have more bytes than the file that it is made of.
enum class Growth {
    avoid,   ///< a lower quality, or another format where it is ours to choose
    accept,  ///< it is published so
};

enum class Corner { top_left, top_right, bottom_left, bottom_right, centre };

/// A picture laid over the result. Its bytes travel with the task; here is what they are known by.
struct Watermark {
    std::string sha256;  ///< of its bytes, 64 lower-case hex digits
    Corner corner = Corner::bottom_right;
    std::uint32_t size = 20;  ///< percent of the result's shorter edge that its longer edge takes; 1 to 100
    std::uint32_t opacity = 60;  ///< percent; 1 to 100
    bool operator==(const Watermark&) const = default;
};

struct VersionSpec {
    PublishMode mode = PublishMode::reencode;
    std::uint32_t max_edge = 2048;  ///< pixels
    Fit fit = Fit::inside;
    std::optional<Aspect> crop;
    /// nullopt: JPEG for what is opaque, WebP for what has alpha or moves.
    std::optional<Format> format;
    int quality = 82;  ///< 1 to 100, on JPEG's scale
    Growth growth = Growth::avoid;
    std::optional<Watermark> watermark;

    bool operator==(const VersionSpec&) const = default;

    /// The same text for the same picture, whoever asks: `2.reencode.2048.inside.4x3.webp.82.-`; `.grown` behind it where growth is
    /// accepted. It consists of
    /// a-z, 0-9, `.`, `-`, `_` and is at most 160 characters long. Where the meaning of a member changes, the
    /// number in front does. Caches, single flights and stored rows share it.
    std::string key() const;
};

/// A sentence that says what is wrong with it, or nothing.
std::optional<std::string> complaint_about(const VersionSpec& spec);

std::string_view to_string(PublishMode mode);
std::string_view to_string(Fit fit);
std::string_view to_string(Corner corner);
std::string_view to_string(Growth growth);

}  // namespace photogate::imaging
