// What a picture's file says about its making: Exif 2.32, IPTC-IIM 4.2 and a few XMP properties, as values. Where
// several blocks speak of the same, the first Exif block counts, then the others, then XMP.
//
// A reader of hostile text: at most 512 entries per directory, 16 directories, 64 KiB per value, no directory
// twice, no entity expansion, no allocation from a declared size. What cannot be read is left out; nothing
// here rejects a picture. Work is bounded too (work_budget.hpp): what lies beyond is left out. Every text is
// valid UTF-8 without control characters and at most 1 KiB long; every number is finite.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/encoding.hpp"
#include "imaging/containers/inspect.hpp"
#include "imaging/picture.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

struct GpsPosition {
    double latitude = 0;             ///< degrees, north positive, 7 digits
    double longitude = 0;            ///< degrees, east positive, 7 digits
    std::optional<double> altitude;  ///< metres, below the sea negative
};

struct Exposure {
    std::optional<double> seconds;
    std::optional<double> f_number;
    std::optional<double> iso;
    std::optional<double> bias_ev;
    std::optional<double> focal_length_mm;
    std::optional<double> focal_length_35mm;
    std::optional<bool> flash_fired;
    bool operator==(const Exposure&) const = default;
};

/// A text, a number, a list of numbers, or a list of texts.
using RawValue = std::variant<std::string, double, std::vector<double>, std::vector<std::string>>;

struct RawEntry {
    std::string name;  ///< Exif's own (`ColorSpace`), `iptc.By-line`, `xmp.dc:rights`, or `0x1234`
    RawValue value;
    bool location = false;  ///< says where the picture was taken: goes with the GPS position
};

struct Metadata {
    std::optional<std::string> make;
    std::optional<std::string> model;
    std::optional<std::string> lens;
    std::optional<std::string> software;
    std::optional<std::string> description;
    std::optional<std::string> artist;
    std::optional<std::string> copyright;
    /// ISO 8601, local time of the camera; with its offset where the file gives one:
    /// `2018-07-25T16:34:23+02:00`.
    std::optional<std::string> taken_at;
    Exposure exposure;
    std::optional<std::uint8_t> orientation;  ///< 1 to 8, as the file says it, also for HEIC
    bool has_gps = false;                     ///< a GPS directory was there, with or without a position
    /// Coordinates were there, if only without their hemispheres. Two that are exactly 0 are none.
    bool exif_tells_place = false;
    bool xmp_tells_place = false;
    std::optional<GpsPosition> gps;
    /// Not of the metadata: parts of a JPEG that are damaged and were published all the same.
    std::optional<std::uint32_t> damaged_intervals;
    std::vector<RawEntry> raw;  ///< all else that could be read, at most 400 entries
};

Metadata read_metadata(BytesView file, const Inspection& inspection, WorkBudget& budget);
/// With a budget of its own.
Metadata read_metadata(BytesView file, const Inspection& inspection);

/// What of a private kind the file carries, by the names of metadata_verifier.hpp, sorted: `comment`,
/// `content_credentials`, `exif`, `exif.gps` (a position), `gain_map`, `iptc`, `mpf`, `photoshop`, `thumbnail`
/// (HEIF: pictures beside the photo), `trailer`, `xmp`, `xmp.gps`. Segments and chunks of other kinds are not named.
std::vector<std::string> metadata_found(const Inspection& inspection, const Metadata& metadata);

/// The upload's `privacy` object: `metadata_found` in the original, `metadata_remaining` in the published picture,
/// and `gps_removed`: whether there was a position, which the published picture has lost.
std::string privacy_json(const std::vector<std::string>& found, const std::vector<std::string>& remaining);

/// The upload's `exif` object: make, model, taken_at, exposure, lens, orientation, gps {latitude, longitude,
/// altitude}, and with ExifDetail::full also software, description, artist, copyright and `raw`. What is
/// unknown is absent. With GpsPolicy::drop neither `gps` nor any entry that tells the place is in it. Always
/// valid UTF-8 JSON; `{}` for ExifDetail::none.
std::string to_json(const Metadata& metadata, ExifDetail detail, GpsPolicy gps);

}  // namespace photogate::imaging
