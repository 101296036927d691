#include <array>
#include <optional>

#include "gateway/config/app_entries.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using S = const Scope&;
using G = const RawValue&;

constexpr std::array kFit = {Choice<model::VariantRule::Fit>{"inside", model::VariantRule::Fit::inside},
                             Choice<model::VariantRule::Fit>{"cover", model::VariantRule::Fit::cover},
                             Choice<model::VariantRule::Fit>{"fill", model::VariantRule::Fit::fill}};

template <class Number>
ValidationError put_number(const RawValue& given, Range range, std::optional<Number>& field) {
    auto number = read_integer(given, range);
    return number ? put(std::move(number), field.emplace()) : number.error();
}

Result<imaging::Gravity> parse_gravity(std::string_view word) {
    for (const auto gravity : imaging::kAllGravities)
        if (imaging::to_string(gravity) == word) return gravity;
    return fail(ErrorCode::invalid_field, "a gravity is a side, a corner, centre, attention or entropy");
}

}  // namespace

void make_app(Config& config, const std::vector<std::string>& names) {
    const auto app = AppName::trusted(names.at(0));
    config.apps[app].name = app;
    config.access[app];
}

model::Profile& make_profile(Config& config, const std::vector<std::string>& names) {
    make_app(config, names);
    const auto name = ProfileName::trusted(names.at(1));
    auto& profile = config.apps.at(AppName::trusted(names.at(0))).profiles[name];
    profile.name = name;
    return profile;
}

Result<imaging::Format> parse_version_format(std::string_view word) {
    const auto format = imaging::parse_format(word);
    if (format && *format != imaging::Format::heic && *format != imaging::Format::tiff) return *format;
    return fail(ErrorCode::invalid_field, "a version's format is jpeg, png, webp, avif or gif");
}

Table variant_table() {
    return {
        .pattern = "apps.*.profiles.*.variants.*",
        .prefix = std::nullopt,
        .help =
            "A version with a name (`/i/…?variant=NAME`), made of each image before it is announced. At most "
            "16; a width, a height or both.",
        .options =
            {
                {"width", Kind::integer, "", "Pixels. Never enlarged.",
                 [](S s, G g) {
                     return put_number(g, {1, 16'384}, s.variant().width);
                 },
                 Secrecy::open, "by the height"},
                {"height", Kind::integer, "", "Pixels. Never enlarged.",
                 [](S s, G g) {
                     return put_number(g, {1, 16'384}, s.variant().height);
                 },
                 Secrecy::open, "by the width"},
                {"fit", Kind::choice, choice_text(kFit, model::VariantRule{}.fit),
                 "With both: inside (all of it, inside them), cover (their proportions; the rest is cut "
                 "off), fill (their proportions; stretched).",
                 [](S s, G g) { return put_choice(g, kFit, s.variant().fit); }},
                {"gravity", Kind::text, "centre",
                 "What cover keeps: centre, north, north_east, east, south_east, south, south_west, west, "
                 "north_west, attention, entropy.",
                 [](S s, G g) { return put_parsed(g, parse_gravity, s.variant().gravity); }},
                {"format", Kind::text, "", "jpeg, png, webp, avif, gif.",
                 [](S s, G g) { return put_parsed(g, parse_version_format, s.variant().format); },
                 Secrecy::open, "the published image's"},
                {"quality", Kind::integer, "", "1 to 100, on JPEG's scale.",
                 [](S s, G g) {
                     return put_number(g, {1, 100}, s.variant().quality);
                 },
                 Secrecy::open, "82"},
            },
        .make = [](Config& config, const std::vector<std::string>& names) {
            make_profile(config, names).delivery.variants[names.at(2)];
        }};
}

}  // namespace photogate::gateway::config
