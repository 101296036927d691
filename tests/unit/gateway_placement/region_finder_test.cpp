// The database of places is asked for by tests/e2e/test_regions.py, which makes one.
#include "gateway/placement/region_finder.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::placement {
namespace {

PlacementRules rules() {
    PlacementRules made;
    made.header = "CF-IPCountry";
    made.trusted_proxies = {*parse_ip_block("192.0.2.1")};
    made.networks.add(*parse_ip_block("10.0.0.0/8"), "eu");
    made.countries = {{"DE", "eu"}, {"US", "us"}};
    made.continents = {{"NA", "us"}};
    made.regions = {"eu", "us"};
    return made;
}

http::RequestHead request(const char* peer, const char* client) {
    http::RequestHead head;
    head.peer = parse_ip_address(peer);
    head.client = parse_ip_address(client);
    return head;
}

std::string near(const PlacementRules& given, const http::RequestHead& head) {
    const auto finder = RegionFinder::open(given);
    EXPECT_TRUE(finder);
    return (*finder)->near(head).value_or("");
}

TEST(RegionFinder, believes_the_header_from_a_trusted_proxy_alone) {
    auto proxied = request("192.0.2.1", "203.0.113.9"), direct = request("203.0.113.9", "203.0.113.9");
    proxied.headers.add("cf-ipcountry", "US");
    direct.headers.add("cf-ipcountry", "US");
    EXPECT_EQ(near(rules(), proxied), "us");
    EXPECT_EQ(near(rules(), direct), "");
}

TEST(RegionFinder, disregards_a_header_that_stands_twice) {
    auto head = request("192.0.2.1", "10.1.2.3");
    head.headers.add("CF-IPCountry", "US");
    head.headers.add("CF-IPCountry", "DE");
    EXPECT_EQ(near(rules(), head), "eu");
}

TEST(RegionFinder, asks_the_networks_where_the_header_says_nothing_that_is_known) {
    auto head = request("192.0.2.1", "10.1.2.3");
    EXPECT_EQ(near(rules(), head), "eu");
    head.headers.add("CF-IPCountry", "XX");
    EXPECT_EQ(near(rules(), head), "eu");
}

TEST(RegionFinder, reads_the_header_as_what_it_is_said_to_be) {
    auto given = rules();
    auto head = request("192.0.2.1", "203.0.113.9");
    head.headers.add("CF-IPCountry", " na ");
    EXPECT_EQ(near(given, head), "") << "Namibia";
    given.says = HeaderSays::continent;
    EXPECT_EQ(near(given, head), "us");
    given.says = HeaderSays::region;
    EXPECT_EQ(near(given, head), "");
    auto named = request("192.0.2.1", "203.0.113.9");
    named.headers.add("CF-IPCountry", "EU");
    EXPECT_EQ(near(given, named), "eu");
}

TEST(RegionFinder, does_not_open_what_is_no_database) {
    auto given = rules();
    given.database = "/proc/self/status";
    const auto finder = RegionFinder::open(given);
    ASSERT_FALSE(finder);
    EXPECT_EQ(finder.error().code, ErrorCode::file_error);
    EXPECT_NE(finder.error().detail.find("MaxMind"), std::string::npos);
}

}  // namespace
}  // namespace photogate::gateway::placement
