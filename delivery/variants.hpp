// What a profile's variants are of one image: for each name a version, or the published image itself.
//
// A variant is the version that a URL with the same parameters asks for: it has the same VersionSpec, whose key() is
// also its recipe. Another width, quality or format of the profile, or another meaning of these in the imager, is
// another key, so a version that was made by an older recipe is not taken for the variant, and is not in its way.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "delivery/parameters.hpp"
#include "imaging/version_spec.hpp"
#include "model/image.hpp"
#include "model/policy/delivery_policy.hpp"

namespace photogate::delivery {

struct ChosenVariant {
    std::string name;
    std::optional<imaging::VersionSpec> spec;  ///< nullopt: the published image as it is
};

/// `exif_json`: of the original (model::OriginalFacts). Errors: unavailable, where this program does not know the format.
Result<SourceImage> source_of(const model::PublishedImage& image, const std::string& exif_json);

/// Sizes and quality are as the rule has them, whatever URLs may ask for; nothing is enlarged.
std::optional<imaging::VersionSpec> choose_variant(const model::VariantRule& rule,
                                                   const model::DeliveryPolicy& policy,
                                                   const SourceImage& source);
/// All of the policy, in the order of their names.
std::vector<ChosenVariant> choose_variants(const model::DeliveryPolicy& policy, const SourceImage& source);
/// What the policy's variants are, or the one of that name, as a word: another size, format, quality or watermark, or another
/// meaning of these in the imager, is another. nullopt: the policy has none, or none of that name.
std::optional<std::string> recipe_of(const model::DeliveryPolicy& policy,
                                     const std::optional<std::string>& variant);
/// The keys of their versions, each once.
std::vector<std::string> keys_of(const std::vector<ChosenVariant>& variants);

}  // namespace photogate::delivery
