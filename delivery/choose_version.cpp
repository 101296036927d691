// From what a URL asks for to one version of one image.
#include <algorithm>
#include <numeric>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "delivery/parameters.hpp"
#include "imaging/caption.hpp"
#include "model/policy/watermark_policy.hpp"

namespace photogate::delivery {
namespace {

using imaging::Aspect;
using imaging::Format;
using imaging::PictureSize;
using imaging::VersionSpec;
using model::DeliveryPolicy;
using Choice = AskedImage::FormatChoice;

/// Steps of a shorter side for each longer one, where sizes are rounded: 4:3, 3:2, 16:9, 5:4 and 16:10 are among them.
constexpr std::uint32_t kSteps = 240;

bool offers(const DeliveryPolicy& policy, Format format) {
    return std::find(policy.formats.begin(), policy.formats.end(), format) != policy.formats.end();
}

bool may_be_see_through(const SourceImage& source) {
    if (source.alpha != SourceImage::Alpha::unknown) return source.alpha == SourceImage::Alpha::present;
    return source.format != Format::jpeg;
}

Format automatic_format(AcceptClass accepted, const DeliveryPolicy& policy, const SourceImage& source) {
    // Whoever takes AVIF takes WebP, which can move.
    if (accepted == AcceptClass::avif && !source.animated && offers(policy, Format::avif))
        return Format::avif;
    if (accepted != AcceptClass::any && offers(policy, Format::webp)) return Format::webp;
    if (source.animated) return source.format;
    const Format plain = may_be_see_through(source) ? Format::png : Format::jpeg;
    return offers(policy, plain) ? plain : source.format;
}

Result<Format> format_of(const AskedImage& asked, std::string_view accept, const DeliveryPolicy& policy,
                         const SourceImage& source) {
    if (asked.format_choice == Choice::origin) return source.format;
    if (asked.format_choice == Choice::automatic)
        return automatic_format(accept_class(accept), policy, source);
    if (asked.format == source.format || offers(policy, asked.format)) return asked.format;
    std::string offered;
    for (const Format format : policy.formats)
        offered.append(offered.empty() ? "" : ", ").append(imaging::to_string(format));
    return fail(ErrorCode::invalid_query, "the format " + std::string{imaging::to_string(asked.format)} +
                                              " is not offered of this image; offered are " + offered);
}

/// The first step that is not below the value, or the last.
template <class Number>
Number rounded_up(const std::vector<Number>& steps, Number value) {
    const auto step = std::lower_bound(steps.begin(), steps.end(), value);
    return step == steps.end() ? steps.back() : *step;
}

std::uint32_t rounded_size(const DeliveryPolicy& policy, std::uint32_t pixels) {
    if (policy.sizes == DeliveryPolicy::Sizes::free) return std::min(pixels, policy.ladder.back());
    return rounded_up(policy.ladder, pixels);
}

std::uint32_t in_pixels(std::uint32_t css, std::uint32_t density) {
    return static_cast<std::uint32_t>((std::uint64_t{css} * density + 999) / 1'000);
}

std::uint32_t scaled(std::uint32_t value, std::uint64_t by, std::uint64_t of) {
    return std::max(1U, static_cast<std::uint32_t>((value * by + of / 2) / of));
}

Aspect reduced(std::uint32_t width, std::uint32_t height) {
    const auto common = std::gcd(width, height);
    return {width / common, height / common};
}

/// A size that is given in both directions: its proportions, and its longer edge.
struct Box {
    Aspect aspect;
    std::uint32_t edge = 0;
};

Box box_of(std::uint32_t width, std::uint32_t height, const DeliveryPolicy& policy) {
    const auto longer = std::max(width, height);
    const auto edge = rounded_size(policy, longer);
    if (policy.sizes == DeliveryPolicy::Sizes::free)
        return {reduced(scaled(width, edge, longer), scaled(height, edge, longer)), edge};
    // To a step, so that 401 × 300 is 400 × 300, and nobody can ask for a version for each pixel.
    return {reduced(scaled(width, kSteps, longer), scaled(height, kSteps, longer)), edge};
}

/// The longer edge of the picture that fits into what is given of width and height.
std::uint32_t edge_inside(const AskedImage& asked, const DeliveryPolicy& policy, const SourceImage& source) {
    const auto longer = std::max(source.width, source.height);
    auto edge = longer;
    const auto bound = [&](const std::optional<std::uint32_t>& css, std::uint32_t side) {
        if (!css) return;
        const auto most = rounded_size(policy, in_pixels(*css, asked.density));
        if (most < side) edge = std::min(edge, scaled(longer, most, side));
    };
    bound(asked.width, source.width);
    bound(asked.height, source.height);
    return edge;
}

void shape(VersionSpec& spec, const AskedImage& asked, const DeliveryPolicy& policy,
           const SourceImage& source) {
    const auto fit = asked.fit.value_or(AskedFit::inside);
    spec.max_edge = edge_inside(asked, policy, source);
    if (fit == AskedFit::inside || !asked.width || !asked.height) return;
    const auto box =
        box_of(in_pixels(*asked.width, asked.density), in_pixels(*asked.height, asked.density), policy);
    const PictureSize whole{source.width, source.height};
    const PictureSize kept = imaging::largest_area(whole, box.aspect);
    spec.max_edge = std::min(std::max(kept.width, kept.height), box.edge);
    if (kept == whole) return;
    spec.crop = box.aspect;
    if (fit == AskedFit::fill)
        spec.reshape = imaging::Reshape::stretch;
    else
        spec.gravity = asked.gravity.value_or(imaging::Gravity::centre);
}

/// Whether a field's item has a weight above 0. One that can't be read counts as none.
bool has_weight(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto end = std::min(parameters.find(';'), parameters.size());
        const auto parameter = trim(parameters.substr(0, end));
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
        if (parameter.size() < 2 || ascii::to_lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
        const auto weight = parameter.substr(2);
        return !weight.empty() && (weight[0] == '0' || weight[0] == '1') &&
               weight.find_first_of("123456789") != std::string_view::npos;
    }
    return true;
}

bool carries_one(std::string_view watermark) {
    return !watermark.empty() && watermark != model::kKeptClean;
}

/// What has to be laid over the version; nullopt where the published image shows it in any case.
std::optional<imaging::Watermark> watermark_of(const VersionSpec& spec, const DeliveryPolicy& policy,
                                               const SourceImage& source) {
    if (!policy.watermark) return std::nullopt;
    auto mark = *policy.watermark;
    if (!mark.picture && imaging::tells_when_taken(mark.text)) mark.taken_at = source.taken_at;
    if (!carries_one(source.watermark)) return mark;
    // Nothing of it is lost but by cropping. Of another watermark it is not known where it is.
    if (!spec.crop || spec.reshape != imaging::Reshape::crop) return std::nullopt;
    if (source.watermark == mark.identity()) mark.source = imaging::Watermark::Source::marked;
    return mark;
}

}  // namespace

bool must_be_marked(const DeliveryPolicy& policy, std::string_view watermark) {
    return policy.watermark && !carries_one(watermark);
}

AcceptClass accept_class(std::string_view accept) {
    auto found = AcceptClass::any;
    while (!accept.empty()) {
        const auto end = std::min(accept.find(','), accept.size());
        const auto item = accept.substr(0, end);
        accept.remove_prefix(std::min(end + 1, accept.size()));
        const auto semicolon = std::min(item.find(';'), item.size());
        const auto type = trim(item.substr(0, semicolon));
        const bool avif = ascii::equals_ignoring_case(type, "image/avif");
        if (!avif && !ascii::equals_ignoring_case(type, "image/webp")) continue;
        if (!has_weight(item.substr(semicolon))) continue;
        if (avif) return AcceptClass::avif;
        found = AcceptClass::webp;
    }
    return found;
}

Result<ChosenVersion> choose_version(const AskedImage& asked, std::string_view accept,
                                     const DeliveryPolicy& policy, const SourceImage& source) {
    const auto format = format_of(asked, accept, policy, source);
    if (!format) return fail(format.error());
    ChosenVersion chosen;
    chosen.varies = asked.format_choice == Choice::automatic;
    VersionSpec spec;
    shape(spec, asked, policy, source);
    const bool whole = !spec.crop && spec.max_edge == std::max(source.width, source.height);
    if (whole && *format == source.format && !asked.quality && !must_be_marked(policy, source.watermark))
        return chosen;
    spec.format = *format;
    spec.quality = asked.quality ? rounded_up(policy.qualities, *asked.quality) : policy.quality;
    spec.max_bytes = policy.max_bytes;
    spec.gamut = policy.gamut;
    spec.sharpening = policy.sharpening;
    spec.watermark = watermark_of(spec, policy, source);
    chosen.spec = spec;
    return chosen;
}

}  // namespace photogate::delivery
