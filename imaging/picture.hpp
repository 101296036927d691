// What is asked of the imager, and what it answers: a clean picture with its facts, or a rejection.
//
// Thread safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/encoding.hpp"
#include "base/words.hpp"
#include "imaging/format.hpp"
#include "imaging/version_spec.hpp"

namespace photogate::imaging {

/// What happens to a picture whose colours are encoded in PQ or HLG.
enum class HdrPolicy {
    tone_map,  ///< to sRGB
    refuse,    ///< rejected as unsupported_format
};

/// A JPEG with restart markers of which a part is damaged: a marker is missing or has the wrong number, or the part's
/// data can't be read to their end. The rest of the picture is sound.
enum class DamagedIntervals {
    refuse,  ///< rejected as corrupt
    publish,  ///< encoded anew, with what the decoder makes of these parts, and reported; at most one part in ten
};

/// What a file may cost before a decoder sees it. The defaults are those of the published verdicts.
struct Limits {
    ByteSize max_bytes = 25U << 20;
    std::uint64_t max_pixels = 210'000'000;  ///< of one frame; phones of today make 200,000,000
    std::uint32_t max_side = 20'000;         ///< pixels
    std::uint32_t max_frames = 300;
    std::uint64_t max_total_pixels = 300'000'000;  ///< over all frames
    std::uint32_t max_scans = 100;                 ///< of a progressive JPEG
    /// Of all metadata, as stored, also of what is thrown away unread; 0: no limit but the file's. What is read
    /// is bounded by its reader.
    ByteSize max_metadata = 0;
    std::uint32_t max_metadata_blocks = 0;  ///< segments, chunks and items; 0: no limit
    HdrPolicy hdr = HdrPolicy::tone_map;
    /// What decoding and encoding may take, as processing_cost.hpp estimates it. ImagerPool lowers both to what its
    /// worker processes have.
    ByteSize max_memory = 1728ULL << 20;
    std::chrono::milliseconds max_work{15'000};
    DamagedIntervals damaged_intervals = DamagedIntervals::refuse;
};

/// Which of the facts read from the original are reported.
enum class ExifDetail { none, basic, full };
enum class GpsPolicy {
    drop,
    report
};  ///< whether `exif.gps` is reported; the published picture never has it

/// Facts of the original, whatever picture is made of it.
struct FactsPolicy {
    ExifDetail exif = ExifDetail::full;
    GpsPolicy gps = GpsPolicy::report;
    bool operator==(const FactsPolicy&) const = default;
};

/// What a profile says: one published picture, and the facts.
struct Recipe {
    FactsPolicy facts;
    VersionSpec version;
};

inline constexpr std::size_t kMaxVersions = 16;          ///< of one task
inline constexpr std::size_t kMaxWatermarkPictures = 4;  ///< of one task: different ones

struct Task {
    /// A memfd with the whole file; its bytes are not changed while the task runs. Borrowed, not closed.
    int file = -1;
    ByteSize size = 0;
    /// The media type that the client declared; nullopt, `application/octet-stream` and `image/jpg` are no
    /// opinion.
    std::optional<std::string> declared_type;
    std::vector<Format> accepted = {kAllFormats.begin(), kAllFormats.end()};
    Limits limits;
    /// nullopt: render only. No metadata is read and no hashes are made, as for a picture that is ours already.
    std::optional<FactsPolicy> facts = FactsPolicy{};
    /// 1 to kMaxVersions, all made of one decode.
    std::vector<VersionSpec> versions = {VersionSpec{}};
    /// Whom the work is for, where the worker processes are to be shared out (TaskQueue); empty: nobody in particular.
    /// The worker process is not told.
    std::string party;

    /// The original's facts, and these pictures of it.
    void publish(const FactsPolicy& policy, std::vector<VersionSpec> specs) {
        facts = policy;
        versions = std::move(specs);
    }
    /// One more picture of a file whose facts are known.
    void render(VersionSpec spec) {
        facts.reset();
        versions = {std::move(spec)};
    }
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
std::string_view to_string(DamagedIntervals choice);
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
    bool has_alpha = false;  ///< something of it lets what is behind through, or may
};

struct Processed {
    std::vector<Published> pictures;  ///< as many as versions were asked for, in their order
    const Published& picture() const { return pictures.front(); }
    /// Facts of the original. Those that are texts are empty where the task asked for no facts.
    Format original_format = Format::jpeg;
    std::uint32_t width = 0;   ///< upright
    std::uint32_t height = 0;  ///< upright
    std::uint32_t frames = 1;
    /// JSON objects, valid UTF-8, opaque to the gateway: `exif` as the REST contract has it, …
    std::string exif_json;
    /// … `privacy` likewise: what was found in the original, and what is left (metadata.hpp, privacy_json()) …
    std::string privacy_json;
    std::string thumb_hash;       ///< base64 of the ThumbHash
    std::string perceptual_hash;  ///< 16 hex digits: dHash of 9×8 grey
    std::string dominant_color;   ///< `#rrggbb`; empty too where nothing is to be seen
};

using Outcome = std::variant<Processed, Rejection>;

}  // namespace photogate::imaging
