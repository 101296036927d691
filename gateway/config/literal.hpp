// A value as TOML writes it.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "gateway/config/options.hpp"

namespace photogate::gateway::config {

/// A basic string, with everything escaped that TOML 1.0 wants escaped.
std::string toml_quoted(std::string_view text);

/// What was given for the option, in the form that its kind has in a file.
std::string literal(const Option& option, const RawValue& given);

}  // namespace photogate::gateway::config
