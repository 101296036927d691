#include "pipeline/catalog.hpp"

namespace photogate::pipeline {

Result<const model::App*> Catalog::app(const AppName& name) const {
    const auto found = apps_.find(name);
    if (found == apps_.end()) return fail(ErrorCode::forbidden, "this key's app has no profiles");
    return &found->second;
}

Result<Policy> Catalog::policy_of(const model::Upload& upload) const {
    const auto* store = stores_.of(upload.region);
    if (!store) return fail(ErrorCode::unavailable, "the upload's region is no longer configured");
    const auto found = apps_.find(upload.app);
    if (found == apps_.end()) return fail(ErrorCode::unavailable, "the upload's app is no longer configured");
    const auto profile = found->second.profiles.find(upload.profile);
    if (profile == found->second.profiles.end())
        return fail(ErrorCode::unavailable, "the upload's profile is no longer configured");
    return Policy{&found->second, &profile->second, store};
}

}  // namespace photogate::pipeline
