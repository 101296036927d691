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

TEST_F(Retry, retries_only_transient_errors) {
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

TEST_F(Retry, counts_and_bounds_attempts) {
    RetryLoop tries = loop();
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_TRUE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_FALSE(tries.again(error(ErrorCode::store_slow_down)));
    EXPECT_EQ(tries.attempts(), 4U);
}

TEST_F(Retry, spreads_waits_under_a_doubling_bound) {
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

TEST_F(Retry, waits_as_the_store_asks_and_gives_up_when_too_long) {
    Error busy = error(ErrorCode::store_slow_down);
    busy.retry_after = std::chrono::seconds{3};
    EXPECT_TRUE(loop().again(busy));
    EXPECT_EQ(pacer.pauses.back(), milliseconds{3'000});
    busy.retry_after = std::chrono::seconds{60};
    EXPECT_FALSE(loop().again(busy));
    EXPECT_EQ(pacer.pauses.size(), 1U);
}

TEST_F(Retry, retries_nothing_after_the_deadline) {
    RetryLoop tries = loop();
    pacer.advance(policy.deadline - milliseconds{1});
    EXPECT_EQ(tries.remaining(), milliseconds{1});
    pacer.advance(milliseconds{5});
    EXPECT_EQ(tries.remaining(), milliseconds{1});
    EXPECT_FALSE(tries.again(error(ErrorCode::http_timeout)));
}

TEST_F(Retry, costs_about_one_request_per_call_in_a_long_outage) {
    std::uint32_t requests = 0;
    for (int call = 0; call < 1'000; ++call) {
        RetryLoop tries = loop();
        while (tries.again(error(ErrorCode::store_unavailable))) {
        }
        requests += tries.attempts();
    }
    EXPECT_LE(requests, 1'100U);
}

TEST_F(Retry, keeps_budget_at_thirty_percent_failures) {
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
