#include "base/endpoint.hpp"

#include <gtest/gtest.h>

namespace photogate {
namespace {

TEST(Endpoint, parses_scheme_host_and_port) {
    const auto endpoint = parse_endpoint("https://S3.Example.com:8443/");
    ASSERT_TRUE(endpoint);
    EXPECT_EQ(*endpoint, (Endpoint{"https", "s3.example.com", 8443}));
    EXPECT_EQ(endpoint->host_header(), "s3.example.com:8443");
    EXPECT_EQ(endpoint->origin(), "https://s3.example.com:8443");
}

TEST(Endpoint, omits_default_port) {
    EXPECT_EQ(parse_endpoint("https://h:443")->host_header(), "h");
    EXPECT_EQ(parse_endpoint("http://h:80")->host_header(), "h");
    EXPECT_EQ(parse_endpoint("http://h:443")->host_header(), "h:443");
    EXPECT_EQ(parse_endpoint("https://h")->effective_port(), 443);
    EXPECT_EQ(parse_endpoint("http://h")->effective_port(), 80);
    EXPECT_EQ(parse_endpoint("http://h:9000")->effective_port(), 9000);
}

TEST(Endpoint, keeps_brackets_of_ipv6_literal) {
    EXPECT_EQ(parse_endpoint("http://[::1]:9000")->host, "[::1]");
    EXPECT_EQ(parse_endpoint("http://[::1]:9000")->host_header(), "[::1]:9000");
    EXPECT_EQ(parse_endpoint("http://[2001:DB8::1]")->origin(), "http://[2001:db8::1]");
}

TEST(Endpoint, rejects_anything_more_or_less) {
    for (const char* text : {"",
                             "h",
                             "h:9000",
                             "ftp://h",
                             "http:/h",
                             "http://",
                             "https:///",
                             "http://h:",
                             "http://h:0",
                             "http://h:65536",
                             "http://h:-1",
                             "http://h:+80",
                             "http://h:80x",
                             "http://u@h",
                             "http://u:p@h",
                             "http://h/path",
                             "http://h//",
                             "http://h?q",
                             "http://h#f",
                             "http://h h",
                             "http://h\n",
                             "http://h\r\nHost: x",
                             "http://[::1",
                             "http://[]",
                             "http://[::1]x",
                             "http://ü",
                             "http://::1"}) {
        const auto endpoint = parse_endpoint(text);
        ASSERT_FALSE(endpoint) << text;
        EXPECT_EQ(endpoint.error().code, ErrorCode::invalid_field);
    }
}

}  // namespace
}  // namespace photogate
