// What flags and variables say, as TOML: what a first configuration repeats.
//
// Thread safety: a pure function, over the current folder.
#pragma once

#include <map>
#include <string>

#include "gateway/config/load.hpp"

namespace photogate::gateway::config {

/// What our own flags and variables say of options that are no secrets, as TOML, by the option's full key
/// (`server.listen`, `regions.default.endpoint`); those of a named table for `names` of it, or its `single`.
/// Values are not checked. Paths are absolute.
std::map<std::string, std::string> literals_told(const Sources& sources,
                                                 const std::map<std::string, std::string>& names);

}  // namespace photogate::gateway::config
