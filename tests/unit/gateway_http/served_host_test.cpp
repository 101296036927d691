#include "gateway/http/served_host.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

Listener serving(std::vector<std::string> hosts, Listener::Addresses addresses) {
    Listener listener;
    listener.hosts = std::move(hosts);
    listener.addresses = addresses;
    return listener;
}

TEST(ServedHost, is_any_where_none_is_named) {
    EXPECT_TRUE(serves_host(serving({}, Listener::Addresses::none), "evil.example"));
}

TEST(ServedHost, is_a_named_one_in_any_case_and_with_any_port) {
    const auto listener = serving({"photos.example", "[2001:db8::7]"}, Listener::Addresses::none);
    for (const auto* host : {"photos.example", "PHOTOS.example:8080", "[2001:db8::7]", "[2001:DB8::7]:80"})
        EXPECT_TRUE(serves_host(listener, host)) << host;
    for (const auto* host :
         {"evil.example", "photos.example.evil.example", "xphotos.example", "127.0.0.1", "[::1]:80", ""})
        EXPECT_FALSE(serves_host(listener, host)) << host;
}

TEST(ServedHost, of_loopback_is_no_name_that_may_be_rebound) {
    const auto listener = serving({"localhost"}, Listener::Addresses::loopback);
    for (const auto* host :
         {"localhost", "LocalHost:9180", "127.0.0.1", "127.0.0.1:9180", "127.8.9.10", "[::1]", "[::1]:9180"})
        EXPECT_TRUE(serves_host(listener, host)) << host;
    for (const auto* host :
         {"evil.example", "evil.example:9180", "localhost.evil.example", "127.0.0.1.nip.io",
          "127.0.0.1.evil.example:9180", "10.1.2.3", "0.0.0.0:9180", "[fe80::1]", "2130706433", "0x7f.1", ""})
        EXPECT_FALSE(serves_host(listener, host)) << host;
}

TEST(ServedHost, of_a_network_may_be_any_address_and_no_other_name) {
    const auto listener = serving({"localhost", "gw1.internal"}, Listener::Addresses::all);
    for (const auto* host : {"10.1.2.3:9180", "[2001:db8::7]:9180", "127.0.0.1", "gw1.internal:9180"})
        EXPECT_TRUE(serves_host(listener, host)) << host;
    EXPECT_FALSE(serves_host(listener, "evil.example:9180"));
}

}  // namespace
}  // namespace photogate::gateway::http
