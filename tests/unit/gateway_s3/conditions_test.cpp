#include "gateway/s3/conditions.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

http::RequestHead with_range(const std::string& range) {
    http::RequestHead head;
    head.headers.add("Range", range);
    return head;
}

bool matches(const std::string& if_match, const std::string& etag) {
    http::RequestHead head;
    head.headers.add("If-Match", if_match);
    const auto tag = ETag::trusted(etag);
    return judge(head, {tag, {}}).has_value();
}

TEST(Judge, accepts_tags_without_quotes_and_weak_ones) {
    for (const char* list : {" * ", "0123", "W/0123", "9, 0123", "\"9\",\"0123\"", "W/\"0123\""})
        EXPECT_TRUE(matches(list, "0123")) << list;
    for (const char* list : {"", ",", "\"0123\"x", "\"0123", "\"*\"", "012"})
        EXPECT_FALSE(matches(list, "0123")) << list;
    EXPECT_TRUE(matches("\"x\", W/\"a,b\" , \"y\"", "a,b"));
    EXPECT_FALSE(matches("a,b", "a,b"));
}

TEST(Judge, answers_unchanged_as_not_modified_and_for_source_of_copy_as_failure) {
    const auto tag = ETag::trusted("0123");
    http::RequestHead head;
    head.headers.add("If-None-Match", "0123");
    head.headers.add("x-amz-copy-source-if-none-match", "\"0123\"");
    EXPECT_EQ(judge(head, {tag, {}}), Verdict::not_modified);
    EXPECT_FALSE(judge_source(head, {tag, {}}));
    EXPECT_TRUE(judge_source(with_range("bytes=0-1"), {tag, {}}));
}

TEST(RangeApplies, only_to_the_object_that_if_range_names) {
    const auto tag = ETag::trusted("0123");
    const auto applies = [&](const char* if_range) {
        http::RequestHead head;
        head.headers.add("If-Range", if_range);
        return range_applies(head, {tag, {}});
    };
    EXPECT_TRUE(range_applies({}, {tag, {}}));
    EXPECT_TRUE(applies("\"0123\""));
    EXPECT_TRUE(applies("0123"));
    EXPECT_FALSE(applies("W/\"0123\""));
    EXPECT_FALSE(applies("*"));
    EXPECT_FALSE(applies("\"9\", \"0123\""));
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
