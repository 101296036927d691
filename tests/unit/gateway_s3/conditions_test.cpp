#include "gateway/s3/conditions.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

const ETag kTag = ETag::trusted("a,b");

http::RequestHead with_range(const std::string& range) {
    http::RequestHead head;
    head.headers.add("Range", range);
    return head;
}

TEST(Lists, finds_tag_that_holds_a_comma_only_inside_quotes) {
    EXPECT_TRUE(lists("\"a,b\"", kTag));
    EXPECT_TRUE(lists("\"x\", W/\"a,b\" , \"y\"", kTag));
    EXPECT_FALSE(lists("\"a\",\"b\"", kTag));
    EXPECT_FALSE(lists("a,b", kTag));
    EXPECT_FALSE(lists("\"x,\"a,b\"", kTag));
}

TEST(Lists, accepts_star_and_missing_quotes) {
    const auto tag = ETag::trusted("0123");
    EXPECT_TRUE(lists(" * ", tag));
    EXPECT_TRUE(lists("0123", tag));
    EXPECT_TRUE(lists("W/0123", tag));
    EXPECT_TRUE(lists("9, 0123", tag));
    EXPECT_TRUE(lists("\"9\",\"0123\"", tag));
    EXPECT_FALSE(lists("", tag));
    EXPECT_FALSE(lists(",", tag));
    EXPECT_FALSE(lists("\"0123\"x", tag));
    EXPECT_FALSE(lists("\"0123", tag));
    EXPECT_FALSE(lists("\"*\"", tag));
}

TEST(ReadRange, ignores_number_with_trailing_text_however_large_it_is) {
    for (const char* range : {"bytes=99999999999999999999x-", "bytes=0-99999999999999999999x",
                              "bytes=-99999999999999999999x", "bytes=5x-", "bytes=0-5x"}) {
        const auto read = read_range(with_range(range), 100);
        ASSERT_TRUE(read) << range;
        EXPECT_FALSE(*read) << range;
    }
}

TEST(ReadRange, treats_number_that_does_not_fit_as_far_behind_the_end) {
    const auto last = read_range(with_range("bytes=10-99999999999999999999"), 100);
    ASSERT_TRUE(last && *last);
    EXPECT_EQ((*last)->first, 10U);
    EXPECT_EQ((*last)->length, 90U);
    const auto suffix = read_range(with_range("bytes=-99999999999999999999"), 100);
    ASSERT_TRUE(suffix && *suffix);
    EXPECT_EQ((*suffix)->length, 100U);
    EXPECT_FALSE(read_range(with_range("bytes=99999999999999999999-"), 100));
}

}  // namespace
}  // namespace photogate::gateway::s3
