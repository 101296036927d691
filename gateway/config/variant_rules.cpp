#include "gateway/config/variant_rules.hpp"

#include <fmt/format.h>

#include "imaging/picture.hpp"

namespace photogate::gateway::config {

void check_variants(const model::Profile& profile, const std::string& table, Report& report) {
    const auto& variants = profile.delivery.variants;
    if (variants.size() > imaging::kMaxVersions)
        report.mistake(table + ".variants",
                       fmt::format("are {}, but {} are the most", variants.size(), imaging::kMaxVersions));
    for (const auto& [name, rule] : variants) {
        const auto variant = fmt::format("{}.variants.{}", table, name);
        if (!rule.width && !rule.height)
            report.mistake(variant, "has no size: set its width, its height or both");
        if (rule.fit != model::VariantRule::Fit::inside && (!rule.width || !rule.height))
            report.mistake(variant + ".fit", "needs a width and a height");
    }
}

}  // namespace photogate::gateway::config
