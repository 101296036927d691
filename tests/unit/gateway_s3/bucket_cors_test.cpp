#include "gateway/s3/bucket_cors.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

std::string rule(const std::string& inner) {
    return "<CORSRule>" + inner + "</CORSRule>";
}
std::string configuration(const std::string& rules) {
    return "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + rules +
           "</CORSConfiguration>";
}
const std::string kSmallest = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";

std::string fault(const std::string& document) {
    const auto rules = read_cors_document(document);
    return rules ? "" : std::string{to_string(rules.error().code)};
}

TEST(BucketCorsDocument, is_bounded_and_checked) {
    EXPECT_EQ(fault(configuration(rule(kSmallest))), "");
    EXPECT_EQ(fault(configuration("")), "MalformedXML");
    EXPECT_EQ(fault("nonsense"), "MalformedXML");
    EXPECT_EQ(fault(configuration(rule("<AllowedOrigin>*</AllowedOrigin>"))), "MalformedXML");
    EXPECT_EQ(fault(configuration(rule("<AllowedMethod>GET</AllowedMethod>"))), "MalformedXML");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<Colour>red</Colour>"))), "MalformedXML");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<MaxAgeSeconds>-1</MaxAgeSeconds>"))), "MalformedXML");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<AllowedMethod>PATCH</AllowedMethod>"))),
              "InvalidRequest");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<AllowedOrigin>*.*</AllowedOrigin>"))), "InvalidRequest");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<AllowedHeader>*-*</AllowedHeader>"))), "InvalidRequest");
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<ExposeHeader>x-*</ExposeHeader>"))), "InvalidRequest");
    // Whatever is kept is written into response headers.
    EXPECT_EQ(fault(configuration(rule(kSmallest + "<ExposeHeader>a&#13;&#10;b: c</ExposeHeader>"))),
              "MalformedXML");
    std::string hundred;
    for (int i = 0; i < 100; ++i)
        hundred += rule(kSmallest);
    EXPECT_EQ(fault(configuration(hundred)), "");
    EXPECT_EQ(fault(configuration(hundred + rule(kSmallest))), "InvalidRequest");
    EXPECT_EQ(fault(configuration(rule(kSmallest) + std::string(kMostCorsDocument, ' '))), "MalformedXML");
}

TEST(BucketCorsDocument, is_written_as_it_is_read) {
    const auto rules = read_cors_document(
        configuration(rule("<ID>a&amp;b</ID>" + kSmallest +
                           "<AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>"
                           "<MaxAgeSeconds>9</MaxAgeSeconds>")));
    ASSERT_TRUE(rules);
    const auto again = read_cors_document(cors_document(*rules));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->front().id, "a&b");
    EXPECT_EQ(again->front().headers, std::vector<std::string>{"x-*"});
    EXPECT_EQ(again->front().max_age, 9U);
    EXPECT_EQ(cors_document(*again), cors_document(*rules));
}

}  // namespace
}  // namespace photogate::gateway::s3
