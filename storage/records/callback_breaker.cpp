#include "storage/records/callback_breaker.hpp"

#include <algorithm>

namespace photogate::storage::records {

std::optional<std::chrono::microseconds> breaker_hold(std::uint32_t failures, const BreakerRule& rule,
                                                      Random& random) {
    using std::chrono::microseconds;
    if (rule.after == 0 || failures < rule.after) return std::nullopt;
    const microseconds longest{rule.longest};
    microseconds hold{rule.first};
    for (auto more = failures - rule.after; more > 0 && hold < longest; --more)
        hold *= 2;
    hold = std::min(hold, longest);
    const auto fifth = static_cast<std::uint64_t>(hold.count()) / 5;
    return hold - microseconds{fifth} + microseconds{random.below(2 * fifth + 1)};
}

}  // namespace photogate::storage::records
