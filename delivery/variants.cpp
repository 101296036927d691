#include "delivery/variants.hpp"

#include <algorithm>
#include <set>

#include "base/encoding.hpp"
#include "imaging/caption.hpp"
#include "signer/digest.hpp"

namespace photogate::delivery {
namespace {

using model::DeliveryPolicy;
using model::VariantRule;

AskedFit asked_fit(VariantRule::Fit fit) {
    switch (fit) {
        case VariantRule::Fit::inside:
            return AskedFit::inside;
        case VariantRule::Fit::cover:
            return AskedFit::cover;
        case VariantRule::Fit::fill:
            return AskedFit::fill;
    }
    return AskedFit::inside;
}

/// One that offers what the rule says, and nothing else.
DeliveryPolicy policy_for(const VariantRule& rule, DeliveryPolicy policy) {
    const auto longer = std::max(rule.width.value_or(1), rule.height.value_or(1));
    policy.ladder = {longer};
    // Proportions are rounded as those of a URL, so that both are one version.
    const bool both = rule.width && rule.height && rule.fit != VariantRule::Fit::inside;
    policy.sizes = both ? DeliveryPolicy::Sizes::ladder : DeliveryPolicy::Sizes::free;
    if (rule.format) policy.formats = {*rule.format};
    if (rule.quality) policy.qualities = {*rule.quality};
    return policy;
}

}  // namespace

Result<SourceImage> source_of(const model::PublishedImage& image, const std::string& exif_json) {
    const auto format = imaging::parse_format(image.format);
    if (!format) return fail(ErrorCode::unavailable, "this program does not know the format " + image.format);
    SourceImage source;
    source.width = image.width;
    source.height = image.height;
    source.format = *format;
    using Alpha = SourceImage::Alpha;
    if (image.has_alpha) source.alpha = *image.has_alpha ? Alpha::present : Alpha::absent;
    source.watermark = image.watermark;
    source.taken_at = imaging::told_taken_at(exif_json);
    return source;
}

std::optional<imaging::VersionSpec> choose_variant(const VariantRule& rule, const DeliveryPolicy& policy,
                                                   const SourceImage& source) {
    AskedImage asked;
    asked.width = rule.width;
    asked.height = rule.height;
    asked.fit = asked_fit(rule.fit);
    asked.gravity = rule.gravity;
    asked.quality = rule.quality;
    if (rule.format) {
        asked.format_choice = AskedImage::FormatChoice::named;
        asked.format = *rule.format;
    }
    // It can't be refused: its format is the only one that is offered.
    auto chosen = choose_version(asked, {}, policy_for(rule, policy), source);
    return chosen ? chosen->spec : std::nullopt;
}

std::vector<ChosenVariant> choose_variants(const DeliveryPolicy& policy, const SourceImage& source) {
    std::vector<ChosenVariant> chosen;
    for (const auto& [name, rule] : policy.variants)
        chosen.push_back({name, choose_variant(rule, policy, source)});
    return chosen;
}

std::optional<std::string> recipe_of(const DeliveryPolicy& policy,
                                     const std::optional<std::string>& variant) {
    // Larger than any that is published, so that each setting shows in a key.
    SourceImage source;
    source.width = 65'535;
    source.height = 65'534;
    source.format = imaging::Format::jpeg;
    std::string all;
    for (const auto& [name, spec] : choose_variants(policy, source))
        if (!variant || name == *variant) all += name + " " + (spec ? spec->key() : "whole") + "\n";
    if (all.empty()) return std::nullopt;
    return hex_lower(signer::sha256(all)).substr(0, 32);
}

std::vector<std::string> keys_of(const std::vector<ChosenVariant>& variants) {
    std::set<std::string> keys;
    for (const auto& variant : variants)
        if (variant.spec) keys.insert(variant.spec->key());
    return {keys.begin(), keys.end()};
}

}  // namespace photogate::delivery
