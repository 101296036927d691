#include "base/time.hpp"

#include <gtest/gtest.h>

#include "base/agreed_clock.hpp"

namespace photogate {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, is_written_with_milliseconds_in_utc) {
    const auto at = *parse_rfc3339("2026-11-20T12:34:56.789Z");
    EXPECT_EQ(format_rfc3339(at), "2026-11-20T12:34:56.789Z");
    EXPECT_EQ(format_rfc3339(at + 999us), "2026-11-20T12:34:56.789Z");
    EXPECT_EQ(format_rfc3339(Timestamp{}), "1970-01-01T00:00:00.000Z");
}

TEST(Rfc3339, is_read_with_offsets_and_fractions) {
    const auto noon = *parse_rfc3339("2026-11-20T12:00:00Z");
    EXPECT_EQ(parse_rfc3339("2026-11-20T14:30:00+02:30"), noon);
    EXPECT_EQ(parse_rfc3339("2026-11-20T04:00:00-08:00"), noon);
    EXPECT_EQ(parse_rfc3339("2026-11-20t12:00:00z"), noon);
    EXPECT_EQ(parse_rfc3339("2026-11-20T12:00:00.5Z"), noon + 500ms);
    EXPECT_EQ(parse_rfc3339("2026-11-20T12:00:00.123456789Z"), noon + 123456us);
    EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST(Rfc3339, rejects_malformed_time) {
    for (const char* text :
         {"", "2026-11-20", "2026-11-20T12:00:00", "2026-11-20 12:00:00Z", "2026-13-20T12:00:00Z",
          "2026-02-29T12:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T12:60:00Z", "2026-11-20T12:00:61Z",
          "2026-11-20T12:00:00.Z", "2026-11-20T12:00:00.1234567890Z", "2026-11-20T12:00:00+2:00",
          "2026-11-20T12:00:00+24:00", "2026-11-20T12:00:00Zx", "1969-12-31T23:59:59Z", "20261120T120000Z",
          "2026-11-20T12:00:00 Z", "1970-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(HttpDate, is_written_and_read_back) {
    const auto at = *parse_rfc3339("1994-11-06T08:49:37Z");
    EXPECT_EQ(format_http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at);
    for (const char* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                             "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
                             "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 06xNov 1994 08:49:37 GMT"}) {
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
    }
}

TEST(Minute, sorts_prefixes_by_time) {
    EXPECT_EQ(format_minute(*parse_rfc3339("2026-01-02T03:04:59Z")), "202601020304");
}

TEST(AgreedClock, starts_with_machine_time_and_accepts_corrections) {
    const auto ahead_of_machine = [](const Clock& clock) { return clock.now() - SystemClock{}.now(); };
    AgreedClock clock;
    EXPECT_LT(std::chrono::abs(ahead_of_machine(clock)), 1s);
    clock.correct(1h);
    EXPECT_LT(std::chrono::abs(ahead_of_machine(clock) - 1h), 1s);
    clock.correct(-1'900ms);
    EXPECT_LT(std::chrono::abs(ahead_of_machine(clock) - 1h), 1s) << "the network's error is ignored";
    clock.correct(-1h);
    EXPECT_LT(std::chrono::abs(ahead_of_machine(clock)), 1s);
}

TEST(ManualClock, advances_only_when_told) {
    ManualClock clock{Timestamp{}};
    clock.advance(1500ms);
    EXPECT_EQ(clock.now(), Timestamp{} + 1500ms);
    clock.set(Timestamp{} + 1s);
    EXPECT_EQ(clock.now(), Timestamp{} + 1s);
}

}  // namespace
}  // namespace photogate
