// The walk over a file's headers before any decoder sees it: is it whole, what would it cost, where is its
// metadata.
//
// Sizes of every frame, page and tile, scans and boxes are held to `Limits`, metadata only where they limit
// it: what is thrown away unread costs nothing but the walk past it. Offsets are held to the file. No pixel is
// decoded: a picture that passes may still be refused by the decoder. The walk allocates in proportion to what
// it reports, recurses at most eight boxes deep, and inflates no metadata (a PNG's pixels: no more than its size
// needs). Its work is
// bounded too (work_budget.hpp): a file whose parts refer to the same bytes again and again is refused as
// corrupt.
//
// Follows: ITU T.81 (JPEG), PNG 3rd edition, RFC 9649 (WebP), GIF89a, ISO 14496-12 and 23008-12 (HEIF),
// TIFF 6. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "imaging/byte_reader.hpp"
#include "imaging/format.hpp"
#include "imaging/picture.hpp"
#include "imaging/processing_cost.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

enum class ColourModel {
    grey,
    rgb,  ///< also YCbCr and palettes: what a decoder turns into RGB
    cmyk,
    other,
};

enum class CarrierKind : std::uint8_t {
    exif,          ///< a TIFF structure; the range starts at its `II` or `MM`
    xmp,           ///< an XMP packet
    xmp_extended,  ///< one part of a JPEG's extended XMP, behind its 40-byte header
    photoshop,     ///< 8BIM resources, where IPTC lives
    iptc,          ///< bare IPTC-IIM
    icc,           ///< an ICC profile, or one part of it (JPEG), behind its header
    comment,
    other,
};
inline constexpr std::size_t kCarrierKinds = 8;

/// How a carrier's bytes are stored.
enum class CarrierCoding {
    plain,
    zlib,
    hex_text,       ///< ImageMagick's `Raw profile type …`: name, length, hex digits
    zlib_hex_text,  ///< the same, deflated
};

struct Carrier {
    CarrierKind kind = CarrierKind::other;
    ByteRange range;
    CarrierCoding coding = CarrierCoding::plain;
    /// Where the rest lies: of a HEIF item in several extents, of Exif in several JPEG segments.
    std::vector<ByteRange> further = {};
};

inline constexpr std::size_t kMaxCarriers = 64;

struct Inspection {
    Format format = Format::jpeg;
    std::uint32_t width = 0;         ///< pixels, as stored: before orientation, before a HEIF rotation
    std::uint32_t height = 0;        ///< pixels, as stored
    std::uint32_t frames = 1;        ///< animation frames or TIFF pages
    std::uint64_t total_pixels = 0;  ///< over all frames, as a decoder would paint them
    /// 1 to 8, from the first Exif block that names one, of whatever numeric type; 1 where none does, and always
    /// 1 for HEIC and AVIF, whose rotation is a property of the item (`turned_sideways` knows it) and is applied
    /// by the decoder. Exif that a PNG carries as text counts for nothing, as in browsers.
    std::uint8_t orientation = 1;
    bool turned_sideways = false;  ///< the upright picture is `height` × `width`
    bool animated = false;
    bool has_alpha = false;
    ColourModel colour = ColourModel::rgb;
    std::uint32_t channels = 3;
    std::uint32_t bits_per_channel = 8;
    bool progressive =
        false;  ///< progressive JPEG, Adam7 PNG, interlaced GIF: decoders hold the whole picture
    std::uint32_t scans = 1;
    /// JPEG with restart markers: parts that they divide the scans into, and how many of them have a marker that is
    /// missing or has the wrong number. Pixels of such a part are wrong or lost.
    std::uint32_t restart_intervals = 0;
    std::uint32_t restart_faults = 0;

    std::vector<Carrier> carriers;    ///< in file order; the first kMaxCarriers of each kind
    std::uint32_t carrier_kinds = 0;  ///< a bit for each kind that there is, listed or not
    ByteSize metadata_bytes = 0;      ///< as stored
    std::uint32_t metadata_blocks = 0;
    bool has_icc = false;
    bool has_gain_map = false;
    bool has_mpf = false;                  ///< further pictures behind the first (CIPA DC-007)
    bool has_content_credentials = false;  ///< C2PA
    bool has_hidden_pictures = false;      ///< HEIF: thumbnails, depth maps, further pictures
    ByteRange trailer;                     ///< bytes behind the picture's end; size 0 where there are none

    bool has_trailer() const { return trailer.size != 0; }
    bool carries(CarrierKind kind) const { return (carrier_kinds >> static_cast<unsigned>(kind) & 1U) != 0; }
    std::uint32_t upright_width() const { return turned_sideways ? height : width; }
    std::uint32_t upright_height() const { return turned_sideways ? width : height; }
};

/// What processing_cost.hpp asks.
PictureShape shape_of(const Inspection& inspection);

/// Sniffs by itself; `limits.max_bytes` is checked too.
/// Rejections: empty, too_large, not_an_image, unsupported_format, too_many_pixels, too_many_frames,
/// too_many_scans, metadata_too_large, corrupt, truncated.
tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits, WorkBudget& budget);
/// With a budget of its own.
tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits);

}  // namespace photogate::imaging
