// Which prefixes are listed so that every open minute is.
//
// A grant may be open for days, and a LIST for each of its minutes would be thousands. Little is left under
// minutes that are long past, so one LIST takes in their whole hour, and later their day.
//
// Thread safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"

namespace photogate::pipeline {

/// Of `u/202611201234/`: itself for two hours, then `u/2026112012`, after two days `u/20261120`; in order,
/// none within another. What is not such a prefix stays as it is.
std::vector<std::string> listing_prefixes(const std::vector<std::string>& minutes, Timestamp now);

}  // namespace photogate::pipeline
