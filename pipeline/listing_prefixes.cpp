#include "pipeline/listing_prefixes.hpp"

#include <set>
#include <string_view>

#include "model/object_layout.hpp"

namespace photogate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRoot = model::kIncomingPrefix.size();
constexpr std::size_t kMinute = 12, kHour = 10, kDay = 8;

}  // namespace

std::vector<std::string> listing_prefixes(const std::vector<std::string>& minutes, Timestamp now) {
    // Minutes are digits in the order of time, and so compare as texts.
    const auto hours_before = format_minute(now - 2h), days_before = format_minute(now - 48h);
    std::set<std::string> prefixes;
    for (const auto& prefix : minutes) {
        if (!model::is_incoming_minute_prefix(prefix)) {
            prefixes.insert(prefix);
            continue;
        }
        const auto minute = prefix.substr(kRoot, kMinute);
        if (minute < days_before) {
            prefixes.insert(prefix.substr(0, kRoot + kDay));
        } else if (minute < hours_before) {
            prefixes.insert(prefix.substr(0, kRoot + kHour));
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
