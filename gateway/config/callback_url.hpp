// The callback URL of an app, as an operator gives it: any host, whatever uploads may name.
//
// Thread safety: a pure function.
#pragma once

#include <string>

#include "base/result.hpp"
#include "notifier/callbacks/address_guard.hpp"

namespace photogate::gateway::config {

/// As notifier::callbacks::check_callback_url(), but for the list of hosts, which is for URLs that uploads name.
Result<> check_own_callback_url(const std::string& url, notifier::callbacks::CallbackUrlPolicy policy);

}  // namespace photogate::gateway::config
