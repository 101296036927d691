#include "imaging/version_spec.hpp"

#include <algorithm>
#include <numeric>

#include "base/ascii.hpp"
#include "imaging/caption.hpp"

namespace photogate::imaging {

namespace {

constexpr std::string_view kKeyVersion = "2";
constexpr std::uint32_t kMaxEdge = 65'535;
constexpr std::uint32_t kMaxAspect = 16'384;
constexpr std::size_t kSha256Digits = 64;
constexpr std::uint32_t kMaxOffset = 50;
constexpr std::size_t kLongestTakenAt = 32;  ///< `2024-03-10T12:34:56+02:00`

bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), ascii::is_lower_hex);
}

bool is_percentage(std::uint32_t value) {
    return value >= 1 && value <= 100;
}

std::string only_digits(std::string_view text) {
    std::string digits;
    for (const char c : text.substr(0, kLongestTakenAt))
        if (ascii::is_digit(c)) digits += c;
    return digits;
}

std::optional<std::string> complaint_about(const Watermark& mark) {
    if (mark.sha256.size() != kSha256Digits || !is_lower_hex(mark.sha256))
        return "watermark.sha256 is not 64 lower-case hex digits";
    if (!is_percentage(mark.size) || !is_percentage(mark.opacity))
        return "watermark: size and opacity are percentages";
    if (mark.offset_x > kMaxOffset || mark.offset_y > kMaxOffset)
        return "watermark: an offset is at most " + std::to_string(kMaxOffset) + " percent";
    if (mark.gravity == Gravity::attention || mark.gravity == Gravity::entropy)
        return "watermark: its gravity is a side, a corner or the centre";
    if (mark.picture) {
        if (mark.picture->empty() || mark.picture->size() > kMaxWatermark)
            return "watermark: its picture has not 1 to " + std::to_string(kMaxWatermark) + " bytes";
        return std::nullopt;
    }
    if (mark.font.empty()) return "watermark: it has neither a picture nor a text with a font";
    if (const auto complaint = complaint_about_caption(mark.text)) return "watermark: its text " + *complaint;
    if (mark.taken_at && mark.taken_at->size() > kLongestTakenAt) return "watermark.taken_at is too long";
    return std::nullopt;
}

}  // namespace

std::string_view to_string(PublishMode mode) {
    switch (mode) {
        case PublishMode::reencode:
            return "reencode";
        case PublishMode::strip:
            return "strip";
    }
    return "reencode";
}

std::string_view to_string(Fit fit) {
    switch (fit) {
        case Fit::inside:
            return "inside";
        case Fit::outside:
            return "outside";
    }
    return "inside";
}

std::string_view to_string(Reshape reshape) {
    switch (reshape) {
        case Reshape::crop:
            return "crop";
        case Reshape::stretch:
            return "stretch";
    }
    return "crop";
}

std::string_view to_string(Gravity gravity) {
    switch (gravity) {
        case Gravity::centre:
            return "centre";
        case Gravity::north:
            return "north";
        case Gravity::north_east:
            return "north_east";
        case Gravity::east:
            return "east";
        case Gravity::south_east:
            return "south_east";
        case Gravity::south:
            return "south";
        case Gravity::south_west:
            return "south_west";
        case Gravity::west:
            return "west";
        case Gravity::north_west:
            return "north_west";
        case Gravity::attention:
            return "attention";
        case Gravity::entropy:
            return "entropy";
    }
    return "centre";
}

std::string_view to_string(Tiling tiling) {
    switch (tiling) {
        case Tiling::once:
            return "once";
        case Tiling::tiled:
            return "tiled";
    }
    return "once";
}

std::string_view to_string(Growth growth) {
    switch (growth) {
        case Growth::avoid:
            return "avoid";
        case Growth::accept:
            return "accept";
    }
    return "avoid";
}

std::string_view to_string(Gamut gamut) {
    switch (gamut) {
        case Gamut::srgb:
            return "srgb";
        case Gamut::kept:
            return "kept";
    }
    return "srgb";
}

std::string_view to_string(Sharpening sharpening) {
    switch (sharpening) {
        case Sharpening::off:
            return "off";
        case Sharpening::mild:
            return "mild";
    }
    return "off";
}

std::string VersionSpec::key() const {
    std::string key(kKeyVersion);
    const auto add = [&](std::string_view part) { (key += '.') += part; };
    add(to_string(mode));
    add(std::to_string(max_edge));
    add(to_string(fit));
    if (crop) {
        // 4:3 and 8:6 are the same area.
        const std::uint32_t common = std::max(1U, std::gcd(crop->width, crop->height));
        add(std::to_string(crop->width / common) + "x" + std::to_string(crop->height / common));
    } else {
        add("-");
    }
    add(format ? imaging::to_string(*format) : "auto");
    add(std::to_string(quality));
    if (watermark) {
        add(watermark->identity());
        if (watermark->taken_at) add("t" + only_digits(*watermark->taken_at));
        if (watermark->source == Watermark::Source::marked) add("marked");
    } else {
        add("-");
    }
    if (crop && reshape == Reshape::crop && gravity != Gravity::centre) add(to_string(gravity));
    if (crop && reshape == Reshape::stretch) add("stretch");
    if (growth == Growth::accept) add("grown");
    if (max_bytes != 0) add("most" + std::to_string(max_bytes));
    if (gamut == Gamut::kept) add("wide");
    if (sharpening == Sharpening::mild) add("sharp");
    return key;
}

std::string Watermark::identity() const {
    // Half of the digest is enough to tell files of one operator apart.
    std::string known = sha256.substr(0, kSha256Digits / 2);
    const auto add = [&](std::string_view part) { (known += '.') += part; };
    add(to_string(gravity));
    add(std::to_string(size));
    add(std::to_string(opacity));
    add(std::to_string(offset_x) + "x" + std::to_string(offset_y));
    if (tiling == Tiling::tiled) add(to_string(tiling));
    return known;
}

bool Watermark::operator==(const Watermark& other) const {
    return sha256 == other.sha256 && (picture != nullptr) == (other.picture != nullptr) &&
           text == other.text && font == other.font && taken_at == other.taken_at &&
           gravity == other.gravity && size == other.size && opacity == other.opacity &&
           offset_x == other.offset_x && offset_y == other.offset_y && tiling == other.tiling &&
           source == other.source;
}

PictureSize largest_area(PictureSize whole, const Aspect& aspect) {
    const std::uint64_t wide = std::uint64_t{whole.height} * aspect.width / aspect.height;
    if (wide <= whole.width) return {std::max(1U, static_cast<std::uint32_t>(wide)), whole.height};
    const std::uint64_t high = std::uint64_t{whole.width} * aspect.height / aspect.width;
    return {whole.width, std::max(1U, static_cast<std::uint32_t>(high))};
}

std::uint32_t fitted_edge(PictureSize area, const VersionSpec& version) {
    const std::uint32_t longer = std::max(area.width, area.height);
    const std::uint32_t shorter = std::max(1U, std::min(area.width, area.height));
    if (version.fit == Fit::inside) return std::min(longer, version.max_edge);
    if (shorter <= version.max_edge) return longer;
    return static_cast<std::uint32_t>((std::uint64_t{longer} * version.max_edge + shorter / 2) / shorter);
}

std::optional<std::string> complaint_about(const VersionSpec& spec) {
    if (spec.max_edge < 1 || spec.max_edge > kMaxEdge)
        return "max_edge is not between 1 and " + std::to_string(kMaxEdge);
    if (spec.quality < 1 || spec.quality > 100) return "quality is not between 1 and 100";
    if (spec.crop && (spec.crop->width < 1 || spec.crop->width > kMaxAspect || spec.crop->height < 1 ||
                      spec.crop->height > kMaxAspect))
        return "crop is not of numbers between 1 and " + std::to_string(kMaxAspect);
    return spec.watermark ? complaint_about(*spec.watermark) : std::nullopt;
}

}  // namespace photogate::imaging
