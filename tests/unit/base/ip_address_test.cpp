#include "base/ip_address.hpp"

#include <gtest/gtest.h>

namespace photogate {
namespace {

IpAddress address(std::string_view text) {
    return parse_ip_address(text).value();
}
IpBlock block(std::string_view text) {
    return parse_ip_block(text).value();
}

TEST(IpAddress, treats_mapped_ipv4_as_ipv4) {
    EXPECT_EQ(address("192.0.2.7"), address("::ffff:192.0.2.7"));
    EXPECT_EQ(address("::ffff:c000:207").text(), "192.0.2.7");
    EXPECT_EQ(address("2001:DB8:0::7").text(), "2001:db8::7");
}

TEST(IpAddress, rejects_text_that_is_not_a_plain_address) {
    for (const char* text : {"", "localhost", "127.1", "0x7f000001", "192.0.2.7:80", "[::1]", "fe80::1%eth0",
                             " ::1", "192.0.2.7 ", "::ffff:192.0.2.7:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16"})
        EXPECT_FALSE(parse_ip_address(text)) << text;
    EXPECT_FALSE(parse_ip_address(std::string_view{"127.0.0.1\0x", 11}));
}

TEST(IpAddress, groups_subscribers_by_ipv4_address_or_64_bit_prefix) {
    EXPECT_EQ(address("192.0.2.7").subscriber().text(), "192.0.2.7");
    EXPECT_EQ(address("2001:db8:1:2:3:4:5:6").subscriber().text(), "2001:db8:1:2::");
    EXPECT_EQ(address("2001:db8:1:2::9").subscriber(), address("2001:db8:1:2:3:4:5:6").subscriber());
}

TEST(IpBlock, contains_addresses_with_its_prefix) {
    EXPECT_TRUE(block("127.0.0.0/8").contains(address("127.255.0.1")));
    EXPECT_FALSE(block("127.0.0.0/8").contains(address("128.0.0.1")));
    EXPECT_TRUE(block("10.32.0.0/11").contains(address("10.63.255.255")));
    EXPECT_FALSE(block("10.32.0.0/11").contains(address("10.64.0.0")));
    EXPECT_TRUE(block("192.0.2.7").contains(address("::ffff:192.0.2.7")));
    EXPECT_FALSE(block("192.0.2.7").contains(address("192.0.2.6")));
    EXPECT_TRUE(block("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(block("2001:db8::/33").contains(address("2001:db8:8000::1")));
    EXPECT_TRUE(block("0.0.0.0/0").contains(address("203.0.113.1")));
    EXPECT_FALSE(block("0.0.0.0/0").contains(address("2001:db8::1")));
    EXPECT_FALSE(block("::/0").contains(address("203.0.113.1")));
}

TEST(IpBlock, knows_bits_behind_its_prefix) {
    for (const char* text : {"10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "fe80::/10", "::1", "0.0.0.0/0"})
        EXPECT_FALSE(block(text).has_host_bits()) << text;
    for (const char* text : {"10.0.0.1/8", "10.128.0.0/8", "10.0.0.1/31", "fe80::1/10", "::1/127"})
        EXPECT_TRUE(block(text).has_host_bits()) << text;
}

TEST(IpBlock, rejects_malformed_block) {
    for (const char* text :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "::/1000", "10/8", "10.0.0.0/8/8"})
        EXPECT_FALSE(parse_ip_block(text)) << text;
}

}  // namespace
}  // namespace photogate
