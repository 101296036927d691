// Any bytes: the metadata read from them is valid UTF-8 JSON, without a position unless requested, also if
// they are read as a bare Exif, IPTC or XMP block. The first byte selects the kind.
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {
namespace {

using fuzz::require;

constexpr std::array kKinds = {CarrierKind::exif, CarrierKind::xmp, CarrierKind::photoshop,
                               CarrierKind::iptc};
constexpr std::array kCodings = {CarrierCoding::plain, CarrierCoding::zlib, CarrierCoding::hex_text,
                                 CarrierCoding::zlib_hex_text};

void check(BytesView file, const Inspection& inspection) {
    const Metadata metadata = read_metadata(file, inspection);
    require(metadata.raw.size() <= 400, "400 entries are read at most");
    if (metadata.gps) {
        const auto [latitude, longitude, altitude] = *metadata.gps;
        require(std::abs(latitude) <= 90 && std::abs(longitude) <= 180, "a position is on the globe");
        require(metadata.exif_tells_place || metadata.xmp_tells_place, "a position is a place");
    }
    require(nlohmann::json::accept(privacy_json(metadata_found(inspection, metadata), {})),
            "what was found is valid JSON");
    const auto all = to_json(metadata, ExifDetail::full, GpsPolicy::report);
    require(is_utf8(all) && nlohmann::json::accept(all), "metadata is valid JSON");
    const auto shown =
        nlohmann::json::parse(to_json(metadata, ExifDetail::full, GpsPolicy::drop), nullptr, false);
    require(shown.is_object() && !shown.contains("gps"), "no place is told where none was asked for");
    require(to_json(metadata, ExifDetail::none, GpsPolicy::report) == "{}",
            "nothing is said where nothing was asked");
}

void check_all(BytesView file) {
    if (const auto found = inspect(file, Limits{.max_metadata = 1U << 16})) check(file, *found);
    if (file.empty()) return;
    Inspection bare;
    bare.carriers = {{kKinds[file[0] & 3U], {1, file.size() - 1}, kCodings[file[0] >> 2 & 3U], {}}};
    check(file, bare);
}

void run(BytesView file) {
    const fuzz::LinearTime time;
    check_all(file);
    time.require_for(file.size());
}

const fuzz::Target target{"imaging_metadata", run};

}  // namespace
}  // namespace photogate::imaging
