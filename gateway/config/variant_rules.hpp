// What a profile's variants have to be.
//
// Thread safety: pure but for the report.
#pragma once

#include <string>

#include "gateway/config/report.hpp"
#include "model/policy/profile.hpp"

namespace photogate::gateway::config {

/// `table`: the profile's, `apps.shop.profiles.photo`. What is wrong is reported.
void check_variants(const model::Profile& profile, const std::string& table, Report& report);

}  // namespace photogate::gateway::config
