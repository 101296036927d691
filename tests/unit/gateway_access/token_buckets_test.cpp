#include "gateway/access/token_buckets.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

using namespace std::chrono_literals;

const TokenBuckets::Time kStart{1'000s};
constexpr Rate kTwoASecond{2, 5};

TEST(TokenBuckets, admit_a_burst_and_then_the_rate) {
    TokenBuckets buckets{10};
    for (std::uint64_t left = 5; left > 0; --left) {
        const auto taken = buckets.take("a", kTwoASecond, kStart);
        EXPECT_TRUE(taken.admitted);
        EXPECT_EQ(taken.remaining, left - 1);
    }
    const auto refused = buckets.take("a", kTwoASecond, kStart);
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(refused.retry_after, 1s);
    EXPECT_EQ(refused.quota, 5U);
    EXPECT_EQ(refused.window, 3s);
    EXPECT_EQ(refused.until_full, 3s);
    EXPECT_FALSE(buckets.take("a", kTwoASecond, kStart + 400ms).admitted);
    EXPECT_TRUE(buckets.take("a", kTwoASecond, kStart + 500ms).admitted);
    EXPECT_FALSE(buckets.take("a", kTwoASecond, kStart + 500ms).admitted);
}

TEST(TokenBuckets, are_full_again_and_no_fuller_after_a_pause) {
    TokenBuckets buckets{10};
    for (int i = 0; i < 5; ++i)
        (void)buckets.take("a", kTwoASecond, kStart);
    EXPECT_EQ(buckets.take("a", kTwoASecond, kStart + 1h).remaining, 4U);
}

TEST(TokenBuckets, of_two_names_do_not_share) {
    TokenBuckets buckets{10};
    for (int i = 0; i < 6; ++i)
        (void)buckets.take("a", kTwoASecond, kStart);
    EXPECT_FALSE(buckets.look("a", kTwoASecond, kStart).admitted);
    EXPECT_TRUE(buckets.take("b", kTwoASecond, kStart).admitted);
}

TEST(TokenBuckets, are_bounded_and_forget_the_least_used) {
    TokenBuckets buckets{3};
    for (int i = 0; i < 5; ++i)
        (void)buckets.take("busy", kTwoASecond, kStart);
    for (int i = 0; i < 100'000; ++i) {
        (void)buckets.take("stranger " + std::to_string(i), kTwoASecond, kStart);
        (void)buckets.take("busy", kTwoASecond, kStart);
    }
    EXPECT_EQ(buckets.size(), 3U);
    EXPECT_FALSE(buckets.look("busy", kTwoASecond, kStart).admitted) << "who is at it is not forgotten";
    EXPECT_TRUE(buckets.look("stranger 0", kTwoASecond, kStart).admitted);
}

TEST(TokenBuckets, look_takes_nothing) {
    TokenBuckets buckets{3};
    for (int i = 0; i < 9; ++i)
        EXPECT_EQ(buckets.look("a", kTwoASecond, kStart).remaining, 5U);
    EXPECT_EQ(buckets.size(), 0U);
}

TEST(TokenBuckets, clock_that_stands_or_goes_back_gives_nothing) {
    TokenBuckets buckets{3};
    for (int i = 0; i < 5; ++i)
        (void)buckets.take("a", kTwoASecond, kStart);
    EXPECT_FALSE(buckets.take("a", kTwoASecond, kStart - 10s).admitted);
}

}  // namespace
}  // namespace photogate::gateway::access
