#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "gateway/config/app_entries.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using S = const Scope&;
using G = const RawValue&;
using imaging::Gravity;
using model::WatermarkPolicy;

constexpr std::array kGravity = {
    Choice<Gravity>{"centre", Gravity::centre},        Choice<Gravity>{"north", Gravity::north},
    Choice<Gravity>{"northeast", Gravity::north_east}, Choice<Gravity>{"east", Gravity::east},
    Choice<Gravity>{"southeast", Gravity::south_east}, Choice<Gravity>{"south", Gravity::south},
    Choice<Gravity>{"southwest", Gravity::south_west}, Choice<Gravity>{"west", Gravity::west},
    Choice<Gravity>{"northwest", Gravity::north_west}};
constexpr std::array kPublished = {
    Choice<WatermarkPolicy::Published>{"marked", WatermarkPolicy::Published::marked},
    Choice<WatermarkPolicy::Published>{"clean", WatermarkPolicy::Published::clean}};
constexpr std::uint32_t kMostOffset = 50;

const WatermarkPolicy& standard_watermark() {
    static const WatermarkPolicy policy;
    return policy;
}

/// The profile's own, or the one that the table names.
WatermarkPolicy& watermark_of(const Scope& scope) {
    auto& profile = scope.profile();
    return scope.names.size() > 2 ? profile.watermarks.at(scope.names.at(2)) : *profile.watermark;
}

/// One number for both directions, or two.
ValidationError put_offset(const RawValue& given, imaging::Watermark& mark) {
    const auto parse = [](std::string_view text) -> Result<std::uint32_t> {
        const auto number = ascii::parse_whole<std::uint32_t>(text);
        if (number && *number <= kMostOffset) return *number;
        return fail(ErrorCode::invalid_field, "an offset is 0 to 50 percent");
    };
    std::vector<std::uint32_t> offsets;
    if (auto wrong = put_list(given, parse, offsets)) return wrong;
    if (offsets.empty() || offsets.size() > 2) return "must be one number, or two: across and down";
    mark.offset_x = offsets.front();
    mark.offset_y = offsets.back();
    return std::nullopt;
}

/// Of every watermark.
std::vector<Option> common_options() {
    const auto& standard = standard_watermark();
    return {
        {"image", Kind::file, "",
         "A PNG, WebP or JPEG file, at most 4 MiB and 16 megapixels; PNG and WebP may be "
         "transparent.",
         [](S s, G g) { return put(read_text(g), watermark_of(s).image_file); }, Secrecy::open, "none"},
        {"text", Kind::text, "",
         "A line of text: `© {app} {taken_at:%Y}`. Placeholders: {app}, {profile}, {taken_at:FORMAT} "
         "with "
         "%Y %m %d %H %M %S, which is empty where the picture does not tell it; {{ is a brace.",
         [](S s, G g) { return put(read_text(g), watermark_of(s).mark.text); }, Secrecy::open, "none"},
        {"font", Kind::file, "",
         "The TrueType or OpenType file that the text is drawn with, such as "
         "`/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf`.",
         [](S s, G g) { return put(read_text(g), watermark_of(s).mark.font); }, Secrecy::open,
         "required with `text`"},
        {"gravity", Kind::choice, choice_text(kGravity, standard.mark.gravity),
         "Where it is: centre, north, northeast, east, southeast, south, southwest, west, northwest.",
         [](S s, G g) { return put_choice(g, kGravity, watermark_of(s).mark.gravity); }},
        {"offset", Kind::list, std::to_string(standard.mark.offset_x),
         "Its distance from the edges, 0 to 50 percent of the picture's shorter edge: one number, or "
         "two "
         "(across, down). Of tiles, the space between them.",
         [](S s, G g) { return put_offset(g, watermark_of(s).mark); }},
        {"size", Kind::integer, std::to_string(standard.mark.size),
         "Its longer edge, 1 to 100 percent of the picture's shorter edge.",
         [](S s, G g) {
             return put(read_integer(g, {1, 100}), watermark_of(s).mark.size);
         }},
        {"opacity", Kind::integer, std::to_string(standard.mark.opacity), "1 to 100 percent.",
         [](S s, G g) {
             return put(read_integer(g, {1, 100}), watermark_of(s).mark.opacity);
         }},
        {"tiled", Kind::boolean, "false", "Whether it is repeated all over the picture.",
         [](S s, G g) -> ValidationError {
             const auto tiled = read_boolean(g);
             if (!tiled) return tiled.error();
             using imaging::Tiling;
             watermark_of(s).mark.tiling = *tiled ? Tiling::tiled : Tiling::once;
             return std::nullopt;
         }},
    };
}

Table watermark_table() {
    auto options = common_options();
    options.push_back(
        {"published", Kind::choice, choice_text(kPublished, standard_watermark().published),
         "The published image: marked, or clean (kept without the watermark and never given out: the "
         "image without parameters is then a version too). Only versions of a clean image are "
         "cropped "
         "before they are marked.",
         [](S s, G g) { return put_choice(g, kPublished, watermark_of(s).published); }});
    return {
        .pattern = "apps.*.profiles.*.watermark",
        .prefix = std::nullopt,
        .help =
            "What is laid over the profile's pictures: an `image` or a `text`. Every version carries it; no "
            "URL asks for one without.",
        .options = std::move(options),
        .make = [](Config& config, const std::vector<std::string>& names) {
            make_profile(config, names).watermark.emplace();
        }};
}

Table named_watermark_table() {
    return {.pattern = "apps.*.profiles.*.watermarks.*",
            .prefix = std::nullopt,
            .help =
                "A watermark with a name, which the pictures of a package carry where it asks for it "
                "(`image.watermark`), in place of the profile's own. At most 8.",
            .options = common_options(),
            .make = [](Config& config, const std::vector<std::string>& names) {
                make_profile(config, names).watermarks[names.at(2)];
            }};
}

}  // namespace

std::vector<Table> watermark_tables() {
    return {watermark_table(), named_watermark_table()};
}

}  // namespace photogate::gateway::config
