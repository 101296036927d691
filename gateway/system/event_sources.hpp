// The event sources of the configuration, with what authenticates each.
//
// Thread safety: a pure function.
#pragma once

#include "gateway/config/config.hpp"
#include "notifier/events/source.hpp"

namespace photogate::gateway::system {

notifier::events::Sources event_sources_of(const config::Config& config);

}  // namespace photogate::gateway::system
