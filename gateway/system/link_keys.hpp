// The secrets that links and client tokens are signed with: those configured, or those that every gateway of the same stores derives
// alike.
//
// Thread safety: pure functions.
#pragma once

#include <vector>

#include "base/secret.hpp"
#include "gateway/access/image_links.hpp"
#include "gateway/config/config.hpp"
#include "pipeline/stores.hpp"

namespace photogate::gateway::system {

/// Empty where no region has a worker secret to derive them from.
std::vector<Secret> token_secrets(const config::Config& config, const pipeline::Stores& stores);

/// Each app's own, or those derived for it from `roots`.
access::LinkKeys link_keys(const model::Apps& apps, const std::vector<Secret>& roots);

}  // namespace photogate::gateway::system
