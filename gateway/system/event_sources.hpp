// The event sources of the configuration, with what authenticates each.
//
// Thread safety: a pure function; the configuration and the clock outlive what it returns.
#pragma once

#include "base/time.hpp"
#include "gateway/config/config.hpp"
#include "notifier/events/source.hpp"

namespace photogate::gateway::system {

notifier::events::Sources event_sources_of(const config::Config& config, const Clock& clock);

}  // namespace photogate::gateway::system
