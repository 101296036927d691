#include "pipeline/packages/package_request.hpp"

#include <string_view>

namespace photogate::pipeline::packages {
namespace {

using Of = PackageContent::Of;
using Watermark = PackageContent::Watermark;

constexpr std::string_view kVariant = "variant", kVersion = "version";
constexpr std::string_view kRequired = "required", kAsProfile = "as_profile";
/// Before the name of one.
constexpr std::string_view kNamed = "named:";
constexpr std::string_view kCsv = "csv", kJson = "json";

}  // namespace

storage::packages::PackageRecipe to_recipe(const PackageLook& look) {
    const auto& content = look.content;
    storage::packages::PackageRecipe recipe;
    recipe.content = content.of == Of::variant ? kVariant : kVersion;
    recipe.detail = content.detail;
    recipe.watermark = content.watermark == Watermark::required ? kRequired : kAsProfile;
    if (content.watermark == Watermark::named) recipe.watermark = std::string{kNamed} + content.mark;
    recipe.path = look.path;
    if (look.manifest) recipe.manifest = *look.manifest == packager::ManifestFormat::csv ? kCsv : kJson;
    return recipe;
}

PackageLook look_of(const storage::packages::PackageRecipe& recipe) {
    PackageLook look;
    look.content.of = recipe.content == kVariant ? Of::variant : Of::version;
    look.content.detail = recipe.detail;
    look.content.watermark = recipe.watermark == kRequired ? Watermark::required : Watermark::as_profile;
    if (recipe.watermark.starts_with(kNamed)) {
        look.content.watermark = Watermark::named;
        look.content.mark = recipe.watermark.substr(kNamed.size());
    }
    look.path = recipe.path;
    if (recipe.manifest)
        look.manifest =
            *recipe.manifest == kCsv ? packager::ManifestFormat::csv : packager::ManifestFormat::json;
    return look;
}

}  // namespace photogate::pipeline::packages
