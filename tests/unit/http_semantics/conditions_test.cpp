#include "http/semantics/conditions.hpp"

#include <gtest/gtest.h>

namespace photogate::http::semantics {
namespace {

using namespace std::chrono_literals;

// Sun, 06 Nov 1994 08:49:37.5
const Validators kObject{"a,b", Timestamp{std::chrono::seconds{784'111'777}} + 500ms};
constexpr std::string_view kItsDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";

bool listed(std::string_view list, TagRules rules = TagRules::standard) {
    return lists_tag(list, "a,b", Comparison::weak, rules);
}

TEST(ListsTag, takes_comma_inside_quotes_as_part_of_the_tag) {
    for (const auto rules : {TagRules::standard, TagRules::s3}) {
        EXPECT_TRUE(listed("\"a,b\"", rules));
        EXPECT_TRUE(listed("\"x\", W/\"a,b\" , \"y\"", rules));
        EXPECT_TRUE(listed(" * ", rules));
        for (std::string_view list :
             {"\"a\",\"b\"", "\"x,\"a,b\"", "\"a,b", "\"a,b\"x", "\"*\"", "W/", "", ",", "*, \"x\""}) {
            EXPECT_FALSE(listed(list, rules)) << list;
        }
    }
}

TEST(ListsTag, accepts_missing_quotes_for_s3_only) {
    for (std::string_view list : {"0123", "W/0123", "9, 0123", "\"9\",0123 "}) {
        EXPECT_TRUE(lists_tag(list, "0123", Comparison::weak, TagRules::s3)) << list;
        EXPECT_FALSE(lists_tag(list, "0123", Comparison::weak)) << list;
    }
    EXPECT_FALSE(listed("a,b", TagRules::s3));
}

TEST(Evaluate, compares_if_match_strongly_by_the_standard_and_weakly_for_s3) {
    EXPECT_EQ(evaluate({}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_match = "\"a,b\""}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_match = "\"x\""}, kObject), Precondition::failed);
    EXPECT_EQ(evaluate({.if_match = "W/\"a,b\""}, kObject), Precondition::failed);
    EXPECT_EQ(evaluate({.if_match = "W/\"a,b\""}, kObject, TagRules::s3), Precondition::holds);
    EXPECT_EQ(evaluate({.if_none_match = "W/\"a,b\""}, kObject), Precondition::not_modified);
}

TEST(Evaluate, prefers_tag_over_date) {
    EXPECT_EQ(evaluate({.if_none_match = "\"x\"", .if_modified_since = kItsDate}, kObject),
              Precondition::holds);
    EXPECT_EQ(evaluate({.if_match = "*", .if_unmodified_since = kBefore}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_match = "\"x\"", .if_none_match = "*"}, kObject), Precondition::failed);
}

TEST(Evaluate, compares_dates_in_whole_seconds_and_ignores_what_is_no_date) {
    EXPECT_EQ(evaluate({.if_modified_since = kItsDate}, kObject), Precondition::not_modified);
    EXPECT_EQ(evaluate({.if_modified_since = kBefore}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_modified_since = "tomorrow"}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_unmodified_since = kItsDate}, kObject), Precondition::holds);
    EXPECT_EQ(evaluate({.if_unmodified_since = kBefore}, kObject), Precondition::failed);
    EXPECT_EQ(evaluate({.if_unmodified_since = "yesterday"}, kObject), Precondition::holds);
}

TEST(RangeApplies, only_to_strong_tag_or_exact_date) {
    EXPECT_TRUE(range_applies("\"a,b\"", kObject));
    EXPECT_TRUE(range_applies(kItsDate, kObject));
    for (std::string_view text : {"W/\"a,b\"", "\"x\"", "*", "\"x\", \"a,b\"", "\"a,b\", \"x\"", "a,b", ""}) {
        EXPECT_FALSE(range_applies(text, kObject)) << text;
        EXPECT_FALSE(range_applies(text, kObject, TagRules::s3)) << text;
    }
    EXPECT_FALSE(range_applies(kBefore, kObject));
    EXPECT_TRUE(range_applies("0123", {.etag = "0123", .modified = {}}, TagRules::s3));
}

}  // namespace
}  // namespace photogate::http::semantics
