// The values of flags and variables as TOML, for the first configuration.
//
// Thread safety: a pure function, over the current folder.
#pragma once

#include <map>
#include <string>

#include "gateway/config/load.hpp"

namespace photogate::gateway::config {

/// The values that flags and variables give to options that are not secret, as TOML, by the option's full key
/// (`server.listen`, `regions.default.endpoint`); those of a named table for `names` of it, or its `single`.
/// Values are not checked. Paths are absolute.
std::map<std::string, std::string> override_literals(const Sources& sources,
                                                     const std::map<std::string, std::string>& names);

}  // namespace photogate::gateway::config
