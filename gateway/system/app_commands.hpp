// `photogate app …`, `profile …`, `key add` and `key revoke`, `secret …`: what the routes below /v1/apps do, without a gateway.
//
// Thread safety: on the main thread.
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "gateway/access/app_command.hpp"
#include "gateway/config/config.hpp"

namespace photogate::gateway::system {

/// Gateways that run take it over within a second. Keys and secrets are printed once, on `out`. Errors: app_exists,
/// app_not_found, key_not_found, too_many_keys, invalid_callback_url and its kin, profile_not_found, too_many_profiles,
/// invalid_field and its kin, file_error; those of the records.
Result<> run_app_command(const config::Config& config, const access::AppCommand& command, std::ostream& out);

}  // namespace photogate::gateway::system
