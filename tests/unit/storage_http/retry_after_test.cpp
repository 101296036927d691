#include "storage/http/retry_after.hpp"

#include <gtest/gtest.h>

namespace photogate::storage::http {
namespace {

using std::chrono::seconds;

TEST(RetryAfter, accepts_seconds_or_date_within_a_second_and_an_hour) {
    const Timestamp now = *parse_rfc3339("2026-11-20T12:00:00Z");
    const auto at = [&](std::string_view text) { return parse_retry_after(text, now); };
    EXPECT_EQ(at("120"), seconds{120});
    EXPECT_EQ(at("0"), seconds{1});
    EXPECT_EQ(at("1000000000"), seconds{3600});
    EXPECT_EQ(at("99999999999999999999999999999999"), seconds{3600});
    EXPECT_EQ(at("Fri, 20 Nov 2026 12:00:30 GMT"), seconds{30});
    EXPECT_EQ(at("Wed, 20 Nov 2030 12:00:00 GMT"), seconds{3600});
}

TEST(RetryAfter, ignores_dates_that_have_passed) {
    const Timestamp now = *parse_rfc3339("2026-11-20T12:00:00Z");
    EXPECT_EQ(parse_retry_after("Fri, 20 Nov 2026 11:00:00 GMT", now), std::nullopt);
    EXPECT_EQ(parse_retry_after("Fri, 20 Nov 2026 12:00:00 GMT", now), std::nullopt);
    EXPECT_EQ(parse_retry_after("Fri, 20 Nov 2026 12:00:01 GMT", now), seconds{1});
}

TEST(RetryAfter, ignores_garbage) {
    for (const char* text : {"", "-5", "+5", "5 s", "1.5", "soon", " 5"}) {
        EXPECT_EQ(parse_retry_after(text, Timestamp{}), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace photogate::storage::http
