#include "storage/records/callback_breaker.hpp"

#include <gtest/gtest.h>

namespace photogate::storage::records {
namespace {

using namespace std::chrono_literals;

TEST(CallbackBreaker, stays_closed_below_its_count_or_when_disabled) {
    SeededRandom random{1};
    EXPECT_EQ(breaker_hold(0, {}, random), std::nullopt);
    EXPECT_EQ(breaker_hold(9, {}, random), std::nullopt);
    EXPECT_NE(breaker_hold(10, {}, random), std::nullopt);
    EXPECT_EQ(breaker_hold(4'000'000'000U, {.after = 0}, random), std::nullopt);
}

TEST(CallbackBreaker, doubles_wait_up_to_the_longest_with_jitter) {
    const std::chrono::seconds expected[] = {5s, 10s, 20s, 40s, 60s, 60s};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        SeededRandom random{seed};
        for (std::uint32_t i = 0; i < 6; ++i) {
            const auto hold = *breaker_hold(10 + i, {}, random);
            EXPECT_GE(hold * 5, expected[i] * 4);
            EXPECT_LE(hold * 5, expected[i] * 6);
        }
    }
}

TEST(CallbackBreaker, bounds_wait_for_any_number_of_failures) {
    SeededRandom random{3};
    EXPECT_LE(*breaker_hold(4'294'967'295U, {.after = 1}, random), 72s);
    EXPECT_LE(*breaker_hold(100, {.after = 1, .first = 24h, .longest = 24h}, random), 29h);
}

}  // namespace
}  // namespace photogate::storage::records
