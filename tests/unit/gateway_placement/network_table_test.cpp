#include "gateway/placement/network_table.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::placement {
namespace {

NetworkTable table() {
    NetworkTable made;
    for (const auto& [block, region] : std::map<std::string, std::string>{{"10.0.0.0/8", "eu"},
                                                                          {"10.9.0.0/16", "us"},
                                                                          {"10.9.9.9", "lab"},
                                                                          {"2001:db8::/32", "eu"},
                                                                          {"2001:db8:9::/47", "us"}}) {
        EXPECT_EQ(made.add(*parse_ip_block(block), region), nullptr) << block;
    }
    return made;
}

std::string near(const NetworkTable& networks, const char* address) {
    const auto* region = networks.find(*parse_ip_address(address));
    return region ? *region : "";
}

TEST(NetworkTable, longest_block_that_contains_the_address_decides) {
    const auto networks = table();
    EXPECT_EQ(near(networks, "10.1.2.3"), "eu");
    EXPECT_EQ(near(networks, "10.9.2.3"), "us");
    EXPECT_EQ(near(networks, "10.9.9.9"), "lab");
    EXPECT_EQ(near(networks, "11.1.2.3"), "");
    EXPECT_EQ(near(networks, "2001:db8:1::1"), "eu");
    EXPECT_EQ(near(networks, "2001:db8:8:ffff::1"), "us");
    EXPECT_EQ(near(networks, "2001:db8:a::1"), "eu");
    EXPECT_EQ(near(networks, "2001:db9::1"), "");
}

TEST(NetworkTable, every_address_of_ipv6_contains_none_of_ipv4) {
    NetworkTable networks;
    networks.add(*parse_ip_block("::/0"), "six");
    EXPECT_EQ(near(networks, "10.1.2.3"), "");
    EXPECT_EQ(near(networks, "2001:db8::1"), "six");
    networks.add(*parse_ip_block("0.0.0.0/0"), "four");
    EXPECT_EQ(near(networks, "10.1.2.3"), "four");
    EXPECT_EQ(near(networks, "2001:db8::1"), "six");
}

TEST(NetworkTable, block_that_is_there_already_keeps_its_region) {
    auto networks = table();
    const auto* first = networks.add(*parse_ip_block("10.9.0.0/16"), "elsewhere");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(*first, "us");
    EXPECT_EQ(near(networks, "10.9.2.3"), "us");
}

}  // namespace
}  // namespace photogate::gateway::placement
