#include "imaging/version_spec.hpp"

#include <algorithm>
#include <numeric>

#include "base/ascii.hpp"

namespace photogate::imaging {

namespace {

constexpr std::string_view kKeyVersion = "2";
constexpr std::uint32_t kMaxEdge = 65'535;
constexpr std::uint32_t kMaxAspect = 16'384;
constexpr std::size_t kSha256Digits = 64;

bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), ascii::is_lower_hex);
}

bool is_percentage(std::uint32_t value) {
    return value >= 1 && value <= 100;
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

std::string_view to_string(Corner corner) {
    switch (corner) {
        case Corner::top_left:
            return "top_left";
        case Corner::top_right:
            return "top_right";
        case Corner::bottom_left:
            return "bottom_left";
        case Corner::bottom_right:
            return "bottom_right";
        case Corner::centre:
            return "centre";
    }
    return "bottom_right";
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
        add(watermark->sha256);
        add(to_string(watermark->corner));
        add(std::to_string(watermark->size));
        add(std::to_string(watermark->opacity));
    } else {
        add("-");
    }
    if (crop && reshape == Reshape::crop && gravity != Gravity::centre) add(to_string(gravity));
    if (crop && reshape == Reshape::stretch) add("stretch");
    if (growth == Growth::accept) add("grown");
    return key;
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
    if (!spec.watermark) return std::nullopt;
    if (spec.watermark->sha256.size() != kSha256Digits || !is_lower_hex(spec.watermark->sha256))
        return "watermark.sha256 is not 64 lower-case hex digits";
    if (!is_percentage(spec.watermark->size) || !is_percentage(spec.watermark->opacity))
        return "watermark: size and opacity are percentages";
    return std::nullopt;
}

}  // namespace photogate::imaging
