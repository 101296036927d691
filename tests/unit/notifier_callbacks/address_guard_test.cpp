#include "notifier/callbacks/address_guard.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/random.hpp"

namespace photogate::notifier::callbacks {
namespace {

bool permits(const AddressGuard& guard, const std::string& text) {
    sockaddr_storage storage{};
    if (text.find(':') == std::string::npos) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(443);
        EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &in.sin_addr), 1) << text;
        std::memcpy(&storage, &in, sizeof in);
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &in.sin6_addr), 1) << text;
        std::memcpy(&storage, &in, sizeof in);
    }
    return guard.permits(reinterpret_cast<const sockaddr&>(storage));
}

/// First and last address of each special IPv4 block, and the public ones that lie next to them.
struct Edge {
    const char *before, *first, *last, *after;
};
constexpr Edge kEdges[] = {
    {nullptr, "0.0.0.0", "0.255.255.255", "1.0.0.0"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
    {"168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
    {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
    {"192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"},
    {"192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0"},
    {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
    {"192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
    {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
    {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
    {"223.255.255.255", "224.0.0.0", "255.255.255.255", nullptr},
};

TEST(AddressGuard, rejects_special_ipv4_blocks_exactly_to_their_edges) {
    const AddressGuard guard;
    for (const auto& edge : kEdges) {
        EXPECT_FALSE(permits(guard, edge.first)) << edge.first;
        EXPECT_FALSE(permits(guard, edge.last)) << edge.last;
        if (edge.before) {
            EXPECT_TRUE(permits(guard, edge.before)) << edge.before;
        }
        if (edge.after) {
            EXPECT_TRUE(permits(guard, edge.after)) << edge.after;
        }
    }
}

TEST(AddressGuard, judges_embedded_ipv4_in_ipv6_by_the_inner_address) {
    const AddressGuard guard;
    for (const auto& edge : kEdges) {
        for (const char* prefix : {"::ffff:", "64:ff9b::"}) {
            EXPECT_FALSE(permits(guard, std::string{prefix} + edge.first));
            EXPECT_FALSE(permits(guard, std::string{prefix} + edge.last));
            if (edge.after) {
                EXPECT_TRUE(permits(guard, std::string{prefix} + edge.after));
            }
        }
        // The deprecated compatible form, and NAT64's local-use prefix, whatever is inside.
        for (const char* prefix : {"::", "64:ff9b:1::", "64:ff9b:0:0:0:1:", "::ffff:0:", "::1:"}) {
            EXPECT_FALSE(permits(guard, std::string{prefix} + edge.first)) << prefix;
            if (edge.after) {
                EXPECT_FALSE(permits(guard, std::string{prefix} + edge.after)) << prefix;
            }
        }
    }
}

TEST(AddressGuard, rejects_special_ipv6) {
    const AddressGuard guard;
    for (const char* address : {"::",
                                "::1",
                                "::2",
                                "::7f00:1",
                                "100::",
                                "100::1",
                                "64:ff9b:1::1",
                                "64:ff9b:2::1",
                                "1::",
                                "1fff:ffff::",
                                "2001::",
                                "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                                "2001:1::1",
                                "2001:2::1",
                                "2001:3::1",
                                "2001:10::1",
                                "2001:20::1",
                                "2001:1ff:ffff::",
                                "2001:db8::",
                                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                                "2002::",
                                "2002:7f00:1::",
                                "2002:808:808::1",
                                "2002:ffff:ffff::",
                                "2620:4f:8000::1",
                                "3ffe::1",
                                "3fff::1",
                                "3fff:fff:ffff::",
                                "4000::",
                                "5f00::1",
                                "8000::1",
                                "fc00::",
                                "fd00:ec2::254",
                                "fdff:ffff::1",
                                "fe00::1",
                                "fe80::1",
                                "febf::1",
                                "fec0::1",
                                "feff::1",
                                "ff00::",
                                "ff02::1",
                                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
        EXPECT_FALSE(permits(guard, address)) << address;
    }
    for (const char* address :
         {"2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
          "2400:cb00::1", "2606:4700:4700::1111", "2620:4f:7fff::1", "2620:4f:8001::1", "2a00:1450::1",
          "3ffd::1", "3fff:1000::1"}) {
        EXPECT_TRUE(permits(guard, address)) << address;
    }
}

TEST(AddressGuard, rejects_a_thousand_addresses_of_each_private_block) {
    const AddressGuard guard;
    SeededRandom random{7};
    for (int i = 0; i < 1'000; ++i) {
        const auto b = random.below(256), c = random.below(256), d = random.below(256);
        for (const auto& text :
             {fmt::format("10.{}.{}.{}", b, c, d), fmt::format("127.{}.{}.{}", b, c, d),
              fmt::format("192.168.{}.{}", c, d), fmt::format("169.254.{}.{}", c, d),
              fmt::format("172.{}.{}.{}", 16 + b % 16, c, d), fmt::format("100.{}.{}.{}", 64 + b % 64, c, d),
              fmt::format("{}.{}.{}.{}", 224 + b % 32, b, c, d), fmt::format("fd{:02x}:{:x}::{:x}", b, c, d),
              fmt::format("2002:{:02x}{:02x}:{:x}::", b, c, d)}) {
            ASSERT_FALSE(permits(guard, text)) << text;
        }
    }
}

TEST(AddressGuard, rejects_other_families) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    EXPECT_FALSE(AddressGuard{}.permits(reinterpret_cast<const sockaddr&>(local)));
    sockaddr_storage none{};
    EXPECT_FALSE(AddressGuard{}.permits(reinterpret_cast<const sockaddr&>(none)));
}

TEST(AddressGuard, permits_only_configured_exceptions) {
    const auto guard =
        AddressGuard::make({"127.0.0.0/8", "10.1.2.0/24", "::1/128", "fd12:3456::/32", "192.168.7.9"});
    ASSERT_TRUE(guard);
    for (const char* address : {"127.0.0.1", "127.255.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1",
                                "10.1.2.255", "::1", "fd12:3456::9", "192.168.7.9", "8.8.8.8"}) {
        EXPECT_TRUE(permits(*guard, address)) << address;
    }
    for (const char* address :
         {"10.1.3.0", "10.1.1.255", "::2", "fd12:3457::1", "192.168.7.8", "169.254.169.254", "0.0.0.0"}) {
        EXPECT_FALSE(permits(*guard, address)) << address;
    }
}

TEST(AddressGuard, never_matches_ipv4_with_ipv6_block) {
    const auto guard = AddressGuard::make({"::/0"});
    ASSERT_TRUE(guard);
    EXPECT_TRUE(permits(*guard, "fe80::1"));
    EXPECT_FALSE(permits(*guard, "127.0.0.1"));
    EXPECT_FALSE(permits(*guard, "::ffff:127.0.0.1"));
    const auto all = AddressGuard::make({"0.0.0.0/0"});
    ASSERT_TRUE(all);
    EXPECT_TRUE(permits(*all, "127.0.0.1"));
    EXPECT_FALSE(permits(*all, "::1"));
}

TEST(AddressGuard, rejects_malformed_blocks) {
    for (const char* text :
         {"", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.1/8", "10/8", "127.1",
          "::1/129", "fe80::1/10", "localhost", "10.0.0.0 /8", "010.0.0.1"}) {
        const auto guard = AddressGuard::make({text});
        ASSERT_FALSE(guard) << text;
        EXPECT_EQ(guard.error().code, ErrorCode::invalid_configuration);
    }
}

}  // namespace
}  // namespace photogate::notifier::callbacks
