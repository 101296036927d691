// `photogate doctor`: tries everything that a start needs, and prints each finding with the command that heals
// it. It makes no database and no store.
//
// Thread safety: one run at a time.
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "gateway/config/config.hpp"

namespace photogate::gateway::system {

/// One line for each finding. Errors: the first failure.
Result<> doctor(const config::Config& config, std::ostream& out);

}  // namespace photogate::gateway::system
