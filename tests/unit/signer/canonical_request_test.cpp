#include "signer/canonical_request.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace photogate::signer {
namespace {

std::string query(std::string_view encoded) {
    std::string out;
    append_canonical_query(out, encoded);
    return out;
}

CanonicalHeaders headers(std::vector<HeaderView> list) {
    return canonical_headers(list);
}

TEST(CanonicalRequest, The_path_of_s3_stays_as_it_is) {
    EXPECT_EQ(canonical_path("/a/./b/../c//d", PathRule::s3), "/a/./b/../c//d");
    EXPECT_EQ(canonical_path("/", PathRule::s3), "/");
}

TEST(CanonicalRequest, Other_services_paths_lose_dots_and_doubled_slashes) {
    EXPECT_EQ(canonical_path("/a/./b/../c//d", PathRule::normalised), "/a/c/d");
    EXPECT_EQ(canonical_path("/a/b/", PathRule::normalised), "/a/b/");
    EXPECT_EQ(canonical_path("/..//.", PathRule::normalised), "/");
    EXPECT_EQ(canonical_path("//", PathRule::normalised), "/");
}

TEST(CanonicalRequest, A_query_is_sorted_by_encoded_name_and_then_by_value) {
    EXPECT_EQ(query("b=1&a=2&a=1&B=3"), "B=3&a=1&a=2&b=1");
    // As texts `a-b=` is before `a=`; as names `a` is before `a-b`.
    EXPECT_EQ(query("a-b=1&a=2"), "a=2&a-b=1");
    // Encoding changes the order: `é` becomes `%C3%A9`, which stands before every letter.
    EXPECT_EQ(query("z=1&%C3%A9=2"), "%C3%A9=2&z=1");
}

TEST(CanonicalRequest, A_parameter_without_a_value_gets_its_equals_sign) {
    EXPECT_EQ(query("lifecycle"), "lifecycle=");
    EXPECT_EQ(query("acl&a=&=x&&"), "=x&a=&acl=");
    EXPECT_EQ(query(""), "");
    EXPECT_EQ(query("a=b%3Dc"), "a=b%3Dc");
}

TEST(CanonicalRequest, Headers_are_lowered_trimmed_folded_and_sorted) {
    const auto made =
        headers({{"X-Amz-Meta-B", "  two   spaces  "}, {"Host", "h"}, {"Content-Type", "a\t \tb"}});
    EXPECT_EQ(made.lines, "content-type:a b\nhost:h\nx-amz-meta-b:two spaces\n");
    EXPECT_EQ(made.names, "content-type;host;x-amz-meta-b");
}

TEST(CanonicalRequest, Spaces_between_quotes_are_folded_too) {
    EXPECT_EQ(headers({{"a", "\"b   c\""}}).lines, "a:\"b c\"\n");
}

TEST(CanonicalRequest, Repeated_headers_are_joined_in_the_order_in_which_they_came) {
    std::vector<HeaderView> list = {{"b", "0"}};
    for (const char* value : {"9", "2", "7", "1", "8", "3"})
        list.push_back({"A", value});
    EXPECT_EQ(headers(list).lines, "a:9,2,7,1,8,3\nb:0\n");
    EXPECT_EQ(headers(list).names, "a;b");
}

TEST(CanonicalRequest, An_empty_value_keeps_its_line) {
    EXPECT_EQ(headers({{"a", ""}, {"b", "   "}}).lines, "a:\nb:\n");
    EXPECT_EQ(headers({}).lines, "");
}

TEST(CanonicalRequest, Its_parts_stand_on_lines_of_their_own) {
    EXPECT_EQ(canonical_request({"GET", "/", "a=b", "host:h\n", "host", "UNSIGNED-PAYLOAD"}),
              "GET\n/\na=b\nhost:h\n\nhost\nUNSIGNED-PAYLOAD");
}

TEST(AmzDate, Is_written_and_read_back) {
    const auto at = parse_rfc3339("2026-11-20T12:34:56.999Z").value();
    EXPECT_EQ(AmzDate{at}.text(), "20261120T123456Z");
    EXPECT_EQ(AmzDate{at}.day(), "20261120");
    EXPECT_EQ(parse_amz_date("20261120T123456Z"), std::chrono::floor<std::chrono::seconds>(at));
    EXPECT_EQ(AmzDate{*parse_amz_date("19700101T000000Z")}.text(), "19700101T000000Z");
    EXPECT_EQ(AmzDate{*parse_amz_date("20240229T235959Z")}.text(), "20240229T235959Z");
}

TEST(AmzDate, Anything_else_is_no_date) {
    for (const char* text :
         {"", "20261120T123456", "20261120t123456Z", "2026-11-20T12:34Z", "20261320T123456Z",
          "20260230T123456Z", "20261120T243456Z", "20261120T126056Z", "20261120T123460Z", "19691231T235959Z",
          "2026112 T123456Z", "20261120T123456Z ", "+0261120T123456Z"}) {
        EXPECT_EQ(parse_amz_date(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace photogate::signer
