#include "storage/objects/store_health.hpp"

#include <gtest/gtest.h>

namespace photogate::storage::objects {
namespace {

Error unanswered(ErrorCode code) {
    return Error{code, "what happened", {}, std::nullopt};
}

void fail_times(StoreHealth& health, std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i)
        health.went_unanswered(unanswered(ErrorCode::http_connect));
}

TEST(StoreHealth, is_down_after_attempts_in_a_row_that_nobody_answered) {
    StoreHealth health{"eu"};
    fail_times(health, StoreHealth::kMostUnanswered - 1);
    health.answered();
    fail_times(health, StoreHealth::kMostUnanswered - 1);
    EXPECT_TRUE(health.is_up());
    fail_times(health, 1);
    EXPECT_FALSE(health.is_up());
}

TEST(StoreHealth, what_refuses_answers_all_the_same) {
    for (const auto code :
         {ErrorCode::store_denied, ErrorCode::store_no_such_bucket, ErrorCode::store_slow_down,
          ErrorCode::store_no_such_key, ErrorCode::store_precondition_failed})
        EXPECT_FALSE(is_no_answer(code)) << to_string(code);
    for (const auto code : {ErrorCode::http_connect, ErrorCode::http_timeout, ErrorCode::http_dns,
                            ErrorCode::http_broken, ErrorCode::store_unavailable})
        EXPECT_TRUE(is_no_answer(code)) << to_string(code);
}

TEST(StoreHealth, comes_back_by_a_probe_alone_where_it_is_watched) {
    StoreHealth health{"eu"};
    health.watch();
    EXPECT_FALSE(health.refuses_calls());
    fail_times(health, StoreHealth::kMostUnanswered);
    EXPECT_TRUE(health.refuses_calls());
    health.answered();  // a call that began before
    EXPECT_FALSE(health.is_up());
    EXPECT_FALSE(health.probed(tl::unexpected(unanswered(ErrorCode::http_timeout))));
    EXPECT_FALSE(health.probed(tl::unexpected(unanswered(ErrorCode::store_denied)))) << "it is starting";
    EXPECT_TRUE(health.probed({}));
    EXPECT_TRUE(health.is_up());
    EXPECT_FALSE(health.refuses_calls());
    fail_times(health, StoreHealth::kMostUnanswered - 1);
    EXPECT_TRUE(health.is_up()) << "the count began anew";
}

TEST(StoreHealth, is_down_where_probes_meet_nothing_but_a_503) {
    StoreHealth health{"eu"};
    health.watch();
    for (std::uint32_t i = 0; i < StoreHealth::kMostUnanswered; ++i)
        health.probed(tl::unexpected(unanswered(ErrorCode::store_slow_down)));
    EXPECT_FALSE(health.is_up());
}

TEST(StoreHealth, comes_back_by_any_answer_where_nobody_probes_it) {
    StoreHealth health;
    fail_times(health, StoreHealth::kMostUnanswered);
    EXPECT_FALSE(health.is_up());
    EXPECT_FALSE(health.refuses_calls()) << "nothing else could bring it back";
    health.answered();
    EXPECT_TRUE(health.is_up());
}

TEST(StoreHealth, what_is_not_proved_answers_calls_and_is_not_up) {
    StoreHealth health{"eu"};
    health.watch();
    health.suspend();
    EXPECT_TRUE(health.probed({}));
    EXPECT_FALSE(health.is_up());
    EXPECT_FALSE(health.refuses_calls());
    health.proved();
    EXPECT_TRUE(health.is_up());
}

TEST(StoreHealth, refusal_names_the_region_and_when_to_come_again) {
    const auto refusal = StoreHealth{"eu"}.refusal();
    EXPECT_EQ(refusal.code, ErrorCode::store_unavailable);
    EXPECT_NE(refusal.detail.find("'eu'"), std::string::npos);
    EXPECT_TRUE(refusal.retry_after);
}

}  // namespace
}  // namespace photogate::storage::objects
