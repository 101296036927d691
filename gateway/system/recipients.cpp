#include "gateway/system/recipients.hpp"

#include <optional>

namespace photogate::gateway::system {

notifier::callbacks::RecipientOf recipients(const model::LiveApps& live) {
    return [&live](const AppName& name, const ProfileName& profile_name,
                   model::CallbackType type) -> std::optional<notifier::callbacks::Recipient> {
        const auto apps = live.now();
        const auto app = apps->find(name);
        if (app == apps->end()) return std::nullopt;
        const auto profile = app->second.profiles.find(profile_name);
        const bool silent = type == model::CallbackType::upload_expired &&
                            (profile == app->second.profiles.end() ||
                             profile->second.expired_callback == model::Profile::ExpiredCallback::silent);
        if (silent) return std::nullopt;
        const auto audience = model::is_private(*apps, name, profile_name)
                                  ? notifier::callbacks::Audience::link_holders
                                  : notifier::callbacks::Audience::everybody;
        return notifier::callbacks::Recipient{app->second.callback_url.value_or(""), audience};
    };
}

std::string image_base_of(const config::Config& config) {
    return config.server.public_url ? config.server.public_url->origin() : "";
}

}  // namespace photogate::gateway::system
