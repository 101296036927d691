#include "model/policy/profile.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace photogate::model {
namespace {

bool is_active(const Profile& profile) {
    return profile.state == Profile::State::active;
}

}  // namespace

Result<const Profile*> App::profile(const std::optional<std::string>& wanted) const {
    if (!wanted) {
        const auto standard = profiles.find(default_profile.value_or(ProfileName::trusted("default")));
        if (standard != profiles.end() && is_active(standard->second)) return &standard->second;
        const Profile* only = nullptr;
        std::size_t count = 0;
        std::string names;
        for (const auto& [profile_name, profile] : profiles) {
            if (!is_active(profile)) continue;
            only = &profile;
            ++count;
            names += (names.empty() ? "" : ", ") + profile_name.str();
        }
        if (count == 1) return only;
        return fail(
            ErrorCode::missing_field,
            fmt::format("'profile' is required, since this app has several and no default_profile: {}",
                        names));
    }
    const auto found = profiles.find(ProfileName::trusted(*wanted));
    if (found == profiles.end() || !is_active(found->second))
        return fail(ErrorCode::unknown_profile, "this app has no profile of that name");
    return &found->second;
}

bool have_private_profile(const Apps& apps) {
    return std::any_of(apps.begin(), apps.end(), [](const auto& app) {
        const auto& profiles = app.second.profiles;
        return std::any_of(profiles.begin(), profiles.end(), [](const auto& profile) {
            return profile.second.delivery.audience == DeliveryPolicy::Audience::link_holders;
        });
    });
}

bool is_private(const Apps& apps, const AppName& app, const ProfileName& profile) {
    const auto owner = apps.find(app);
    if (owner == apps.end()) return have_private_profile(apps);
    const auto policy = owner->second.profiles.find(profile);
    if (policy == owner->second.profiles.end()) return have_private_profile(apps);
    return policy->second.delivery.audience == DeliveryPolicy::Audience::link_holders;
}

}  // namespace photogate::model
