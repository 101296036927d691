#include "notifier/events/refusal_log.hpp"

#include <gtest/gtest.h>

namespace photogate::notifier::events {
namespace {

using std::chrono_literals::operator""s;

TEST(RefusalLog, writes_one_line_a_minute_with_the_number_of_refusals) {
    ManualClock clock{Timestamp{}};
    RefusalLog log{clock};
    const Source minio{.name = "minio", .regions = {}, .authenticator = nullptr};
    EXPECT_EQ(log.refused(&minio, RefusedFor::wrong_credentials), 1U);
    for (int i = 0; i < 1'000; ++i)
        EXPECT_EQ(log.refused(&minio, RefusedFor::wrong_credentials), std::nullopt);
    clock.advance(59s);
    EXPECT_EQ(log.refused(&minio, RefusedFor::missing_credentials), std::nullopt);
    clock.advance(1s);
    EXPECT_EQ(log.refused(&minio, RefusedFor::missing_credentials), 1'002U);
}

TEST(RefusalLog, counts_sources_apart_and_unknown_ones_together) {
    ManualClock clock{Timestamp{}};
    RefusalLog log{clock};
    const Source minio{.name = "minio", .regions = {}, .authenticator = nullptr};
    EXPECT_EQ(log.refused(nullptr, RefusedFor::unknown_source), 1U);
    EXPECT_EQ(log.refused(nullptr, RefusedFor::unknown_source), std::nullopt);
    EXPECT_EQ(log.refused(&minio, RefusedFor::wrong_credentials), 1U);
}

TEST(RefusalLog, is_not_silenced_by_a_clock_that_was_set_back) {
    ManualClock clock{Timestamp{1'000s}};
    RefusalLog log{clock};
    EXPECT_TRUE(log.refused(nullptr, RefusedFor::unknown_source));
    clock.set(Timestamp{});
    EXPECT_TRUE(log.refused(nullptr, RefusedFor::unknown_source));
}

}  // namespace
}  // namespace photogate::notifier::events
