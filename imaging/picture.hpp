// What is asked of the imager, and what it answers: a clean picture with its facts, or a rejection.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/encoding.hpp"
#include "base/words.hpp"
#include "imaging/format.hpp"

namespace photogate::imaging {

/// What a file may cost before a decoder sees it. The defaults are those of the published verdicts.
struct Limits {
    ByteSize max_bytes = 25U << 20;
    std::uint64_t max_pixels = 50'000'000;  ///< of one frame
    std::uint32_t max_side = 20'000;        ///< pixels
    std::uint32_t max_frames = 300;
    std::uint64_t max_total_pixels = 200'000'000;  ///< over all frames
    std::uint32_t max_scans = 100;                 ///< of a progressive JPEG
    ByteSize max_metadata = 4U << 20;              ///< inflated where it is compressed
    std::uint32_t max_metadata_blocks = 1'000;
};

/// How the published picture comes about.
enum class PublishMode {
    reencode,  ///< decoded, made upright, sRGB, rescaled, encoded anew
    strip,  ///< the pixels' bytes untouched, all else removed; only where the format allows it, else reencode
};

/// Which of the facts read from the original are reported.
enum class ExifDetail { none, basic, full };
enum class GpsPolicy {
    drop,
    report
};  ///< whether `exif.gps` is reported; the published picture never has it

struct Recipe {
    PublishMode mode = PublishMode::reencode;
    std::uint32_t max_edge = 2048;  ///< pixels; never enlarged
    /// nullopt: JPEG for what is opaque, WebP for what has alpha or moves.
    std::optional<Format> output;
    int quality = 82;
    ExifDetail exif = ExifDetail::full;
    GpsPolicy gps = GpsPolicy::report;
};

struct Task {
    /// A memfd with the whole file; its bytes are not changed while the task runs. Borrowed, not closed.
    int file = -1;
    ByteSize size = 0;
    /// The media type that the client declared; nullopt, `application/octet-stream` and `image/jpg` are no
    /// opinion.
    std::optional<std::string> declared_type;
    std::vector<Format> accepted = {kAllFormats.begin(), kAllFormats.end()};
    Limits limits;
    Recipe recipe;
};

/// Why a file is not published: stable, public words (`rejection.code`).
enum class RejectionCode {
    empty,
    too_large,
    not_an_image,
    unsupported_format,
    mime_mismatch,
    too_many_pixels,
    too_many_frames,
    too_many_scans,
    metadata_too_large,
    corrupt,
    truncated,
    timeout,
    decoder_crashed,
};
std::string_view to_string(RejectionCode code);
std::optional<RejectionCode> parse_rejection_code(std::string_view word);

struct Rejection {
    RejectionCode code = RejectionCode::corrupt;
    std::string detail;  ///< a sentence for a person
};

struct Published {
    Bytes bytes;
    Format format = Format::jpeg;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
};

struct Processed {
    Published picture;
    /// Facts of the original.
    Format original_format = Format::jpeg;
    std::uint32_t width = 0;   ///< upright
    std::uint32_t height = 0;  ///< upright
    std::uint32_t frames = 1;
    /// JSON objects, valid UTF-8, opaque to the gateway: `exif` as the REST contract has it, …
    std::string exif_json;
    /// … `{"metadata_remaining":[],"gps_removed":true}`, from the independent reader over the published bytes
    /// …
    std::string privacy_json;
    std::string thumb_hash;       ///< base64 of the ThumbHash
    std::string perceptual_hash;  ///< 16 hex digits: dHash of 9×8 grey
};

using Outcome = std::variant<Processed, Rejection>;

}  // namespace photogate::imaging
