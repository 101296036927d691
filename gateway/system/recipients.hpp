// Who gets an upload's callbacks, and the URL of its image: what the configuration says of
// callbacks.
//
// Thread safety: free functions; the apps outlive what they return.
#pragma once

#include <string>

#include "gateway/config/config.hpp"
#include "notifier/callbacks/upload_callbacks.hpp"

namespace photogate::gateway::system {

notifier::callbacks::RecipientOf recipients(const model::LiveApps& apps);

/// Before `/i/…`; empty where it is not configured.
std::string image_base_of(const config::Config& config);

}  // namespace photogate::gateway::system
