// The secrets of client tokens where the configuration names none.
//
// Each region's worker secret gives one, so that all gateways of these stores agree without being told. The
// designated region's signs, all verify: a region that is added or renamed ends no token, and neither does
// another designated region. What ends them is a new worker secret of the region that signed, or its removal
// from the configuration. Gateways whose regions differ accept only tokens of regions that they share; they
// need `server.token_secrets`.
//
// Thread safety: a pure function.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace photogate::gateway::access {

/// `workers`: each region's worker secret, by the region's name; empty ones are skipped. `designated`: the
/// region that signs; the first by name where it has no secret. The first of the result signs; the result is
/// empty where no region has a secret.
std::vector<Secret> derive_token_secrets(const std::map<std::string, Secret>& workers,
                                         const std::string& designated);

}  // namespace photogate::gateway::access
