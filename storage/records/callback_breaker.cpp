#include "storage/records/callback_breaker.hpp"

#include <algorithm>

namespace photogate::storage::records {

std::optional<std::chrono::microseconds> breaker_hold(std::uint32_t failures, const BreakerRule& rule,
                                                      Random& random) {
    using std::chrono::microseconds;
    if (rule.after == 0 || failures < rule.after) return std::nullopt;
    const auto doublings = std::min<std::uint32_t>(failures - rule.after, 30);
    const auto hold =
        std::min(microseconds{rule.longest}, microseconds{rule.first} * (std::int64_t{1} << doublings));
    const auto fifth = static_cast<std::uint64_t>(hold.count()) / 5;
    return hold - microseconds{fifth} + microseconds{random.below(2 * fifth + 1)};
}

}  // namespace photogate::storage::records
