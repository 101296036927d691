#include "pipeline/profile_limits.hpp"

namespace photogate::pipeline {

ProfileLimits limits_of(const model::Profile& profile) {
    ProfileLimits limits{
        .profile = profile.name,
        .max_size = profile.limits.max_bytes,
        .content_types = {},
        .methods = {},
        .max_pixels = profile.limits.max_pixels,
        .max_side = profile.limits.max_side,
        .max_frames = profile.limits.max_frames,
        .max_total_pixels = profile.limits.max_total_pixels,
        .version_sizes = profile.delivery.ladder,
        .version_formats = {},
        .is_private = profile.delivery.audience == model::DeliveryPolicy::Audience::link_holders,
        .default_expiry = profile.default_expiry,
        .longest_expiry = profile.longest_expiry};
    for (const auto format : profile.formats)
        limits.content_types.emplace_back(imaging::media_type(format));
    for (const auto method : profile.methods)
        limits.methods.emplace_back(to_string(method));
    for (const auto format : profile.delivery.formats)
        limits.version_formats.emplace_back(imaging::to_string(format));
    return limits;
}

}  // namespace photogate::pipeline
