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

TEST(CanonicalRequest, keeps_s3_path_unchanged) {
    EXPECT_EQ(canonical_path("/a/./b/../c//d", PathRule::s3), "/a/./b/../c//d");
    EXPECT_EQ(canonical_path("/", PathRule::s3), "/");
}

TEST(CanonicalRequest, normalises_paths_of_other_services) {
    EXPECT_EQ(canonical_path("/a/./b/../c//d", PathRule::normalised), "/a/c/d");
    EXPECT_EQ(canonical_path("/a/b/", PathRule::normalised), "/a/b/");
    EXPECT_EQ(canonical_path("/..//.", PathRule::normalised), "/");
    EXPECT_EQ(canonical_path("//", PathRule::normalised), "/");
}

TEST(CanonicalRequest, sorts_query_by_encoded_name_and_value) {
    EXPECT_EQ(query("b=1&a=2&a=1&B=3"), "B=3&a=1&a=2&b=1");
    // As texts `a-b=` is before `a=`; as names `a` is before `a-b`.
    EXPECT_EQ(query("a-b=1&a=2"), "a=2&a-b=1");
    // Encoding changes the order: `é` becomes `%C3%A9`, which sorts before every letter.
    EXPECT_EQ(query("z=1&%C3%A9=2"), "%C3%A9=2&z=1");
}

TEST(CanonicalRequest, adds_equals_sign_to_parameter_without_value) {
    EXPECT_EQ(query("lifecycle"), "lifecycle=");
    EXPECT_EQ(query("acl&a=&=x&&"), "=x&a=&acl=");
    EXPECT_EQ(query(""), "");
    EXPECT_EQ(query("a=b%3Dc"), "a=b%3Dc");
}

TEST(CanonicalRequest, lowers_trims_folds_and_sorts_headers) {
    const auto made =
        headers({{"X-Amz-Meta-B", "  two   spaces  "}, {"Host", "h"}, {"Content-Type", "a\t \tb"}});
    EXPECT_EQ(made.lines, "content-type:a b\nhost:h\nx-amz-meta-b:two spaces\n");
    EXPECT_EQ(made.names, "content-type;host;x-amz-meta-b");
}

TEST(CanonicalRequest, folds_spaces_between_quotes) {
    EXPECT_EQ(headers({{"a", "\"b   c\""}}).lines, "a:\"b c\"\n");
}

TEST(CanonicalRequest, joins_repeated_headers_in_order) {
    std::vector<HeaderView> list = {{"b", "0"}};
    for (const char* value : {"9", "2", "7", "1", "8", "3"})
        list.push_back({"A", value});
    EXPECT_EQ(headers(list).lines, "a:9,2,7,1,8,3\nb:0\n");
    EXPECT_EQ(headers(list).names, "a;b");
}

TEST(CanonicalRequest, keeps_line_of_empty_value) {
    EXPECT_EQ(headers({{"a", ""}, {"b", "   "}}).lines, "a:\nb:\n");
    EXPECT_EQ(headers({}).lines, "");
}

TEST(CanonicalRequest, writes_parts_on_separate_lines) {
    EXPECT_EQ(canonical_request({"GET", "/", "a=b", "host:h\n", "host", "UNSIGNED-PAYLOAD"}),
              "GET\n/\na=b\nhost:h\n\nhost\nUNSIGNED-PAYLOAD");
}

TEST(AmzDate, is_written_and_read_back) {
    const auto at = parse_rfc3339("2026-11-20T12:34:56.999Z").value();
    EXPECT_EQ(AmzDate{at}.text(), "20261120T123456Z");
    EXPECT_EQ(AmzDate{at}.day(), "20261120");
    EXPECT_EQ(parse_amz_date("20261120T123456Z"), std::chrono::floor<std::chrono::seconds>(at));
    EXPECT_EQ(AmzDate{*parse_amz_date("19700101T000000Z")}.text(), "19700101T000000Z");
    EXPECT_EQ(AmzDate{*parse_amz_date("20240229T235959Z")}.text(), "20240229T235959Z");
}

TEST(AmzDate, rejects_malformed_date) {
    for (const char* text :
         {"", "20261120T123456", "20261120t123456Z", "2026-11-20T12:34Z", "20261320T123456Z",
          "20260230T123456Z", "20261120T243456Z", "20261120T126056Z", "20261120T123460Z", "19691231T235959Z",
          "2026112 T123456Z", "20261120T123456Z ", "+0261120T123456Z"}) {
        EXPECT_EQ(parse_amz_date(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace photogate::signer
