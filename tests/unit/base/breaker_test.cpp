#include "base/breaker.hpp"

#include <gtest/gtest.h>

namespace photogate {
namespace {

using namespace std::chrono_literals;

class BreakerTest : public ::testing::Test {
  protected:
    void fail(int times) {
        for (int i = 0; i < times; ++i)
            breaker.failed(now);
    }
    bool lets_through() { return !breaker.enter(now); }

    Breaker breaker{{.failures = 3, .first = 1s, .most = 4s, .trial = 10s}};
    Breaker::TimePoint now{};
};

TEST_F(BreakerTest, opens_after_failures_in_a_row_and_not_before) {
    fail(2);
    EXPECT_TRUE(lets_through());
    breaker.succeeded();
    fail(2);
    EXPECT_TRUE(lets_through());
    fail(1);
    EXPECT_TRUE(breaker.holds_back(now));
    EXPECT_EQ(breaker.enter(now), 1s);
}

TEST_F(BreakerTest, lets_one_caller_try_and_the_others_wait) {
    fail(3);
    now += 1s;
    EXPECT_TRUE(lets_through());
    EXPECT_EQ(breaker.enter(now), 10s);
    breaker.succeeded();
    EXPECT_FALSE(breaker.holds_back(now));
    EXPECT_TRUE(lets_through());
    EXPECT_TRUE(lets_through());
}

TEST_F(BreakerTest, waits_longer_after_each_trial_that_fails_up_to_a_limit) {
    fail(3);
    for (const auto wait : {1s, 2s, 4s, 4s}) {
        EXPECT_EQ(breaker.enter(now), wait);
        now += wait;
        EXPECT_TRUE(lets_through());
        fail(1);
    }
}

TEST_F(BreakerTest, counts_calls_that_began_before_it_opened_once) {
    fail(9);
    EXPECT_EQ(breaker.enter(now), 1s);
}

TEST_F(BreakerTest, lets_another_try_where_the_first_never_tells) {
    fail(3);
    now += 1s;
    EXPECT_TRUE(lets_through());
    now += 10s;
    EXPECT_TRUE(lets_through());
}

}  // namespace
}  // namespace photogate
