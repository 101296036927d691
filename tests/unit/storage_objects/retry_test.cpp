#include "storage/objects/retry.hpp"

#include <gtest/gtest.h>

#include "tests/unit/storage_objects/manual_pacer.hpp"

namespace photogate::storage::objects {
namespace {

using std::chrono::milliseconds;

Error error(ErrorCode code) {
    return Error{code, {}, {}, std::nullopt};
}

struct Retry : testing::Test {
    RetryPolicy policy;
    test::ManualPacer pacer;
    SeededRandom random{7};
    RetryBudget budget;
    RetryLoop loop() { return RetryLoop{policy, {pacer, random, budget}}; }
};

TEST_F(Retry, Only_what_may_succeed_later_is_tried_again) {
    for (const ErrorCode code :
         {ErrorCode::store_denied, ErrorCode::store_no_such_key, ErrorCode::store_refused,
          ErrorCode::store_precondition_failed, ErrorCode::http_blocked, ErrorCode::http_tls}) {
        EXPECT_FALSE(loop().again(error(code))) << to_string(code);
    }
    for (const ErrorCode code :
         {ErrorCode::store_slow_down, ErrorCode::store_unavailable, ErrorCode::http_timeout,
          ErrorCode::http_broken, ErrorCode::http_connect, ErrorCode::store_protocol}) {
        EXPECT_TRUE(loop().again(error(code))) << to_string(code);
    }
}

TEST_F(Retry, Attempts_are_counted_and_bounded) {
    RetryLoop tries = loop();
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_FALSE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_EQ(tries.attempts(), 4U);
}

TEST_F(Retry, Waits_are_spread_over_a_bound_that_doubles) {
    policy.attempts = 3;
    milliseconds longest_first{0}, longest_second{0};
    for (int i = 0; i < 300; ++i) {
        RetryBudget fresh;
        RetryLoop tries{policy, {pacer, random, fresh}};
        pacer.pauses.clear();
        ASSERT_TRUE(tries.again(error(ErrorCode::store_slow_down)) &&
                    tries.again(error(ErrorCode::store_slow_down)));
        longest_first = std::max(longest_first, pacer.pauses[0]);
        longest_second = std::max(longest_second, pacer.pauses[1]);
    }
    EXPECT_LE(longest_first, milliseconds{100});
    EXPECT_GT(longest_first, milliseconds{90});
    EXPECT_LE(longest_second, milliseconds{200});
    EXPECT_GT(longest_second, milliseconds{180});
}

TEST_F(Retry, What_the_store_asks_for_is_waited_and_what_is_too_long_is_given_back_at_once) {
    Error busy = error(ErrorCode::store_slow_down);
    busy.retry_after = std::chrono::seconds{3};
    EXPECT_TRUE(loop().again(busy));
    EXPECT_EQ(pacer.pauses.back(), milliseconds{3'000});
    busy.retry_after = std::chrono::seconds{60};
    EXPECT_FALSE(loop().again(busy));
    EXPECT_EQ(pacer.pauses.size(), 1U);
}

TEST_F(Retry, After_the_deadline_nothing_is_tried_again) {
    RetryLoop tries = loop();
    pacer.advance(policy.deadline - milliseconds{1});
    EXPECT_EQ(tries.remaining(), milliseconds{1});
    pacer.advance(milliseconds{5});
    EXPECT_EQ(tries.remaining(), milliseconds{1});
    EXPECT_FALSE(tries.again(error(ErrorCode::http_timeout)));
}

TEST_F(Retry, A_long_outage_costs_about_one_request_a_call) {
    std::uint32_t requests = 0;
    for (int call = 0; call < 1'000; ++call) {
        RetryLoop tries = loop();
        while (tries.again(error(ErrorCode::store_unavailable))) {
        }
        requests += tries.attempts();
    }
    EXPECT_LE(requests, 1'100U);
}

TEST_F(Retry, A_third_of_failures_does_not_spend_the_budget) {
    int gave_up = 0;
    for (int call = 0; call < 5'000; ++call) {
        RetryLoop tries = loop();
        while (true) {
            if (random.below(100) >= 30) {
                tries.succeeded();
                break;
            }
            if (!tries.again(error(ErrorCode::store_slow_down))) {
                ++gave_up;
                break;
            }
        }
    }
    EXPECT_LE(gave_up, 80);  // 0.3^4 of 5,000 is 40
}

}  // namespace
}  // namespace photogate::storage::objects
