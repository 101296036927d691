#include "gateway/http/client_address.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

std::string client(std::string_view peer, std::vector<std::string_view> forwarded) {
    RequestHeaders headers;
    for (std::string_view line : forwarded)
        headers.add("X-Forwarded-For", line);
    const std::vector<IpBlock> trusted{*parse_ip_block("10.0.0.0/8"), *parse_ip_block("::1")};
    return client_address(*parse_ip_address(peer), headers, trusted).text();
}

TEST(ClientAddress, ignores_header_from_untrusted_peer) {
    EXPECT_EQ(client("192.0.2.7", {"203.0.113.1"}), "192.0.2.7");
}

TEST(ClientAddress, trusts_proxies_up_to_the_first_untrusted_address) {
    EXPECT_EQ(client("10.0.0.1", {"203.0.113.1"}), "203.0.113.1");
    EXPECT_EQ(client("::1", {"127.0.0.1, 203.0.113.1"}), "203.0.113.1");
    EXPECT_EQ(client("10.0.0.1", {"192.0.2.66, 203.0.113.1 ,10.9.9.9"}), "203.0.113.1");
    EXPECT_EQ(client("10.0.0.1", {"192.0.2.66", "203.0.113.1", "10.9.9.9, 10.8.8.8"}), "203.0.113.1");
    EXPECT_EQ(client("10.0.0.1", {"10.9.9.9"}), "10.9.9.9");
    EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
}

TEST(ClientAddress, ignores_port) {
    EXPECT_EQ(client("10.0.0.1", {"203.0.113.1:4711"}), "203.0.113.1");
    EXPECT_EQ(client("10.0.0.1", {"[2001:db8::7]:4711"}), "2001:db8::7");
    EXPECT_EQ(client("10.0.0.1", {"2001:db8::7"}), "2001:db8::7");
}

TEST(ClientAddress, uses_last_known_proxy_for_malformed_item) {
    for (std::string_view item :
         {"unknown", "", ",", "203.0.113.1, _hidden", "203.0.113.1,", "999.1.1.1", "[::1", "<script>"})
        EXPECT_EQ(client("10.0.0.1", {item}), "10.0.0.1") << item;
    EXPECT_EQ(client("10.0.0.1", {"203.0.113.1, x, 10.2.2.2"}), "10.2.2.2");
}

}  // namespace
}  // namespace photogate::gateway::http
