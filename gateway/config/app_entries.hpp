// What the tables of apps, profiles and variants share. Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "gateway/config/options.hpp"
#include "imaging/format.hpp"

namespace photogate::gateway::config {

/// The app of the first name, made if it is not there.
void make_app(Config& config, const std::vector<std::string>& names);
/// The profile of the second name in the app of the first, likewise.
model::Profile& make_profile(Config& config, const std::vector<std::string>& names);

/// A format that can be written.
Result<imaging::Format> parse_version_format(std::string_view word);

/// `apps.*.profiles.*.variants.*`
Table variant_table();

}  // namespace photogate::gateway::config
