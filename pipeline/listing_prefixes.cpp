#include "pipeline/listing_prefixes.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace photogate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kRoot = "u/";
constexpr std::size_t kMinute = 12, kHour = 10, kDay = 8;

bool is_minute_prefix(std::string_view prefix) {
    if (!prefix.starts_with(kRoot) || prefix.size() != kRoot.size() + kMinute + 1 || prefix.back() != '/')
        return false;
    const auto digits = prefix.substr(kRoot.size(), kMinute);
    return std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> listing_prefixes(const std::vector<std::string>& minutes, Timestamp now) {
    // Minutes are digits in the order of time, and so compare as texts.
    const auto hours_before = format_minute(now - 2h), days_before = format_minute(now - 48h);
    std::set<std::string> prefixes;
    for (const auto& prefix : minutes) {
        if (!is_minute_prefix(prefix)) {
            prefixes.insert(prefix);
            continue;
        }
        const auto minute = prefix.substr(kRoot.size(), kMinute);
        if (minute < days_before) {
            prefixes.insert(prefix.substr(0, kRoot.size() + kDay));
        } else if (minute < hours_before) {
            prefixes.insert(prefix.substr(0, kRoot.size() + kHour));
        } else {
            prefixes.insert(prefix);
        }
    }
    std::vector<std::string> shortest;
    for (const auto& prefix : prefixes) {
        if (shortest.empty() || !prefix.starts_with(shortest.back())) shortest.push_back(prefix);
    }
    return shortest;
}

}  // namespace photogate::pipeline
