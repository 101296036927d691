// The configuration in force, as a TOML file that would give it again, but for the secrets.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "gateway/config/load.hpp"

namespace photogate::gateway::config {

enum class Origins { hidden, shown };

/// Options that are not set stand as comments. With origins, each line says where its value came from.
std::string show(const Loaded& loaded, Origins origins);

/// docs/configuration.md, made from the table alone.
std::string reference_markdown();

}  // namespace photogate::gateway::config
