#include "delivery/byte_budget.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

TEST(ByteBudget, gives_what_there_is_and_counts_what_it_refuses) {
    ByteBudget budget{100, 50};
    auto first = budget.take(60);
    ASSERT_TRUE(first);
    EXPECT_FALSE(budget.take(41));
    auto second = budget.take(40);
    ASSERT_TRUE(second);
    EXPECT_FALSE(budget.take(1));
    EXPECT_EQ(budget.counts().taken, 100U);
    EXPECT_EQ(budget.counts().refused, 2U);
    first.reset();
    EXPECT_TRUE(budget.take(60));
}

TEST(ByteBudget, gives_spare_bytes_only_below_their_bound) {
    ByteBudget budget{100, 50};
    auto spare = budget.take_spare(50);
    ASSERT_TRUE(spare);
    EXPECT_FALSE(budget.take_spare(1));
    auto more = budget.take(50);
    ASSERT_TRUE(more);
    spare.reset();
    EXPECT_FALSE(budget.take_spare(1));
    EXPECT_EQ(budget.counts().refused, 0U);
}

TEST(ByteBudget, lets_one_that_is_larger_than_all_have_its_turn_alone) {
    ByteBudget budget{100, 50};
    auto large = budget.take(1'000);
    ASSERT_TRUE(large);
    EXPECT_FALSE(budget.take(1));
    EXPECT_FALSE(budget.take(UINT64_MAX));
    large.reset();
    EXPECT_TRUE(budget.take(1));
}

TEST(ByteBudget, counts_a_moved_reservation_once) {
    ByteBudget budget{100, 50};
    {
        auto first = *budget.take(10);
        auto moved = std::move(first);
        first = *budget.take(20);
        EXPECT_EQ(budget.counts().taken, 30U);
    }
    EXPECT_EQ(budget.counts().taken, 0U);
}

TEST(ByteBudget, never_gives_more_than_its_limit_to_many_threads) {
    ByteBudget budget{100, 50};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 2'000; ++round) {
                const auto taken = budget.take(40);
                EXPECT_LE(budget.counts().taken, 100U);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(budget.counts().taken, 0U);
}

}  // namespace
}  // namespace photogate::delivery
