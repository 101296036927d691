#include "delivery/conditions.hpp"

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

using namespace std::chrono_literals;

const Validators kImage{"\"abc\"",
                        Timestamp{std::chrono::seconds{784'111'777}} + 500ms};  // Sun, 06 Nov 1994 08:49:37.5
constexpr std::string_view kItsDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";

Verdict with_range(std::string_view range, std::uint64_t size = 100) {
    Conditions asked;
    asked.range = range;
    return judge(asked, kImage, size);
}

TEST(Conditions, sends_the_whole_without_conditions) {
    EXPECT_EQ(judge({}, kImage, 100).status, 200);
}

TEST(Conditions, compares_if_none_match_weakly_against_the_whole_list) {
    for (std::string_view list : {"\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"", "\"a,b\" , W/\"abc\""}) {
        Conditions asked;
        asked.if_none_match = list;
        EXPECT_EQ(judge(asked, kImage, 100).status, 304) << list;
    }
    for (std::string_view list : {"\"abd\"", "abc", "", "\"abc", ",\"abc\""}) {
        Conditions asked;
        asked.if_none_match = list;
        EXPECT_EQ(judge(asked, kImage, 100).status, 200) << list;
    }
}

TEST(Conditions, prefers_if_none_match_over_the_date) {
    Conditions asked;
    asked.if_none_match = "\"other\"";
    asked.if_modified_since = kItsDate;
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
}

TEST(Conditions, compares_dates_in_whole_seconds) {
    Conditions asked;
    asked.if_modified_since = kItsDate;
    EXPECT_EQ(judge(asked, kImage, 100).status, 304);
    asked.if_modified_since = kBefore;
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
    asked.if_modified_since = "yesterday";
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
}

TEST(Conditions, compares_if_match_strongly) {
    Conditions asked;
    asked.if_match = "\"abc\"";
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
    asked.if_match = "W/\"abc\"";
    EXPECT_EQ(judge(asked, kImage, 100).status, 412);
    asked = {};
    asked.if_unmodified_since = kBefore;
    EXPECT_EQ(judge(asked, kImage, 100).status, 412);
}

TEST(Ranges, clamps_one_range_to_the_file) {
    const auto expect = [](std::string_view text, std::uint64_t first, std::uint64_t last) {
        const auto verdict = with_range(text);
        ASSERT_EQ(verdict.status, 206) << text;
        EXPECT_EQ(verdict.range->first, first) << text;
        EXPECT_EQ(verdict.range->last, last) << text;
    };
    expect("bytes=0-0", 0, 0);
    expect("bytes=10-19", 10, 19);
    expect("bytes=90-", 90, 99);
    expect("bytes=90-200", 90, 99);
    expect("bytes=-10", 90, 99);
    expect("bytes=-1000", 0, 99);
    expect("bytes=0-99999999999999999999999", 0, 99);
}

TEST(Ranges, rejects_range_beyond_the_end) {
    for (std::string_view text :
         {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"}) {
        EXPECT_EQ(with_range(text).status, 416) << text;
    }
    EXPECT_EQ(with_range("bytes=-5", 0).status, 416);
}

TEST(Ranges, sends_the_whole_for_anything_but_one_byte_range) {
    for (std::string_view text :
         {"bytes=20-10", "bytes=0-1,5-6", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0 -1", ""}) {
        EXPECT_EQ(with_range(text).status, 200) << text;
    }
}

TEST(Ranges, sends_the_whole_when_if_range_differs) {
    Conditions asked;
    asked.range = "bytes=0-9";
    asked.if_range = "\"abc\"";
    EXPECT_EQ(judge(asked, kImage, 100).status, 206);
    asked.if_range = "W/\"abc\"";
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
    asked.if_range = kItsDate;
    EXPECT_EQ(judge(asked, kImage, 100).status, 206);
    asked.if_range = kBefore;
    EXPECT_EQ(judge(asked, kImage, 100).status, 200);
}

}  // namespace
}  // namespace photogate::delivery
