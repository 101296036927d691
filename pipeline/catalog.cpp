#include "pipeline/catalog.hpp"

namespace photogate::pipeline {

Result<std::shared_ptr<const model::App>> Catalog::app(const AppName& name) const {
    const auto apps = apps_.now();
    const auto found = apps->find(name);
    if (found == apps->end()) return fail(ErrorCode::forbidden, "this key's app has no profiles");
    if (found->second.state == model::App::State::disabled)
        return fail(ErrorCode::forbidden, "this app is disabled");
    return std::shared_ptr<const model::App>{apps, &found->second};
}

Result<Policy> Catalog::policy_of(const model::Upload& upload) const {
    const auto* store = stores_.of(upload.region);
    if (!store) return fail(ErrorCode::unavailable, "the upload's region is no longer configured");
    const auto apps = apps_.now();
    const auto found = apps->find(upload.app);
    if (found == apps->end()) return fail(ErrorCode::unavailable, "the upload's app is no longer configured");
    const auto profile = found->second.profiles.find(upload.profile);
    if (profile == found->second.profiles.end())
        return fail(ErrorCode::unavailable, "the upload's profile is no longer configured");
    if (profile->second.state == model::Profile::State::unreadable)
        return fail(ErrorCode::unavailable, "the upload's profile can't be read by this gateway");
    return Policy{{apps, &found->second}, {apps, &profile->second}, store};
}

}  // namespace photogate::pipeline
