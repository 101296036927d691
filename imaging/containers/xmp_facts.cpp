#include "imaging/containers/xmp_facts.hpp"

#include <cmath>
#include <optional>

#include "imaging/containers/exif_values.hpp"
#include "imaging/containers/gps.hpp"

namespace photogate::imaging {

namespace {

/// `0.008` or `1/125`; what Exif calls unknown is none.
std::optional<double> value_of(std::string_view text) {
    constexpr double kUnknown = 4294967295.0;
    const std::size_t slash = text.find('/');
    const std::optional<double> numerator = exif::decimal_of(text.substr(0, slash));
    if (slash == std::string_view::npos || !numerator) return numerator;
    const std::optional<double> denominator = exif::decimal_of(text.substr(slash + 1));
    if (!denominator || *denominator == 0 || *numerator == kUnknown || *denominator == kUnknown)
        return std::nullopt;
    const double value = *numerator / *denominator;
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

template <class T>
void keep(std::optional<T>& slot, std::optional<T> value) {
    if (!slot) slot = std::move(value);
}

std::optional<bool> truth_of(std::string_view text) {
    if (text == "True" || text == "true" || text == "1") return true;
    if (text == "False" || text == "false" || text == "0") return false;
    return std::nullopt;
}

}  // namespace

void XmpFacts::add(std::string_view property, std::string text) {
    if (!text.empty()) values_.try_emplace(std::string(property), std::move(text));
}

std::string_view XmpFacts::text(std::string_view property) const {
    const auto it = values_.find(property);
    return it == values_.end() ? std::string_view{} : std::string_view(it->second);
}

std::optional<std::string> XmpFacts::first_of(std::initializer_list<std::string_view> properties) const {
    for (const std::string_view property : properties)
        if (const std::string_view found = text(property); !found.empty()) return std::string(found);
    return std::nullopt;
}

std::optional<double> XmpFacts::number(std::string_view property) const {
    return value_of(text(property));
}

void XmpFacts::complete(Metadata& into) const {
    keep(into.make, first_of({"tiff:Make"}));
    keep(into.model, first_of({"tiff:Model"}));
    keep(into.lens, first_of({"exifEX:LensModel", "aux:Lens"}));
    keep(into.software, first_of({"tiff:Software", "xmp:CreatorTool"}));
    keep(into.description, first_of({"tiff:ImageDescription", "dc:description"}));
    keep(into.artist, first_of({"tiff:Artist", "dc:creator"}));
    keep(into.copyright, first_of({"tiff:Copyright", "dc:rights"}));
    keep(into.taken_at, exif::moment_of(text("exif:DateTimeOriginal"), text("exif:OffsetTimeOriginal")));
    for (const std::string_view property : {"photoshop:DateCreated", "exif:DateTimeDigitized"})
        keep(into.taken_at, exif::moment_of(text(property), {}));
    complete_exposure(into.exposure);
    complete_position(into);
}

void XmpFacts::complete_exposure(Exposure& into) const {
    keep(into.seconds, number("exif:ExposureTime"));
    keep(into.f_number, number("exif:FNumber"));
    for (const std::string_view property :
         {"exifEX:PhotographicSensitivity", "exif:ISOSpeedRatings", "exifEX:ISOSpeed"})
        if (const auto iso = number(property); iso && *iso > 0 && *iso != 65535) keep(into.iso, iso);
    keep(into.bias_ev, number("exif:ExposureBiasValue"));
    keep(into.focal_length_mm, number("exif:FocalLength"));
    keep(into.focal_length_35mm, number("exif:FocalLengthIn35mmFilm"));
    keep(into.flash_fired, truth_of(text("exif:Fired")));
}

void XmpFacts::complete_position(Metadata& into) const {
    GpsParts parts;
    parts.latitude = angle_of(text("exif:GPSLatitude"), 'N', 'S');
    parts.longitude = angle_of(text("exif:GPSLongitude"), 'E', 'W');
    parts.altitude = number("exif:GPSAltitude");
    if (const std::string_view below = text("exif:GPSAltitudeRef"); !below.empty())
        parts.below = below == "1" || below == "3";
    if (names_a_place(parts)) into.xmp_tells_place = true;
    keep(into.gps, position_of(parts));
}

}  // namespace photogate::imaging
