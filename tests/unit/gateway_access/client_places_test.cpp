#include "gateway/access/client_places.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

ClientPlaces::Place must(Result<ClientPlaces::Place> place) {
    EXPECT_TRUE(place) << place.error().detail;
    return place ? std::move(*place) : ClientPlaces::Place{};
}

/// A client that nothing but the limits in common with others binds.
PlaceClient somebody(int number) {
    return {.app = "app" + std::to_string(number),
            .token = "",
            .address = parse_ip_address("192.0.2." + std::to_string(number))};
}

std::uint64_t refused(const ClientPlaces& places, ClientPlaces::Limit limit) {
    return places.counts().refused[static_cast<std::size_t>(limit)];
}

struct OneLimit {
    ClientPlaces::Limit limit;
    PlaceLimits limits;
    PlaceClient client;
    PlaceClient other;
    ErrorCode code;
};

class ClientPlacesLimit : public testing::TestWithParam<OneLimit> {};

TEST_P(ClientPlacesLimit, holds_for_one_client_and_leaves_the_others_alone) {
    const OneLimit& each = GetParam();
    ClientPlaces places{each.limits};
    std::vector<ClientPlaces::Place> held;
    for (int i = 0; i < 2; ++i)
        held.push_back(must(places.take(each.client)));
    const auto over = places.take(each.client);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, each.code);
    EXPECT_GT(over.error().retry_after, std::chrono::seconds{0});
    EXPECT_EQ(refused(places, each.limit), 1U);
    if (each.limit != ClientPlaces::Limit::all) held.push_back(must(places.take(each.other)));
    held.erase(held.begin());
    held.push_back(must(places.take(each.client)));
    held.clear();
    EXPECT_EQ(places.counts().taken, 0U);
}

const auto kHere = parse_ip_address("2001:db8::1");
const auto kSameNetwork = parse_ip_address("2001:db8::ffff");
const auto kElsewhere = parse_ip_address("2001:db8:0:1::1");

INSTANTIATE_TEST_SUITE_P(All, ClientPlacesLimit,
                         testing::Values(OneLimit{ClientPlaces::Limit::token,
                                                  {.per_token = 2},
                                                  {"shop", "tok_1", kHere},
                                                  {"shop", "tok_2", kHere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{ClientPlaces::Limit::app,
                                                  {.per_app = 2},
                                                  {"shop", "", kHere},
                                                  {"blog", "", kHere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{ClientPlaces::Limit::address,
                                                  {.per_address = 2},
                                                  {"shop", "", kHere},
                                                  {"shop", "", kElsewhere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{ClientPlaces::Limit::all,
                                                  {.all = 2},
                                                  {"shop", "", kHere},
                                                  {"blog", "", kElsewhere},
                                                  ErrorCode::overloaded}));

TEST(ClientPlaces, counts_an_ipv6_network_of_64_bits_as_one_address) {
    ClientPlaces places{{.per_address = 1}};
    const auto first = must(places.take({"shop", "", kHere}));
    EXPECT_FALSE(places.take({"blog", "", kSameNetwork}));
    EXPECT_TRUE(places.take({"blog", "", kElsewhere}));
}

TEST(ClientPlaces, counts_the_tokens_of_an_app_with_it) {
    ClientPlaces places{{.per_app = 2, .per_token = 1}};
    const auto one = must(places.take({"shop", "tok_1", std::nullopt}));
    const auto two = must(places.take({"shop", "tok_2", std::nullopt}));
    EXPECT_FALSE(places.take({"shop", "", std::nullopt}));
    EXPECT_EQ(refused(places, ClientPlaces::Limit::app), 1U);
}

TEST(ClientPlaces, bounds_no_address_of_a_proxy) {
    ClientPlaces places{{.per_address = 1}};
    const auto one = must(places.take({"shop", "", std::nullopt}));
    const auto two = must(places.take({"shop", "", std::nullopt}));
    EXPECT_EQ(places.counts().taken, 2U);
}

TEST(ClientPlaces, takes_no_place_where_it_refuses) {
    ClientPlaces places{{.all = 1}};
    {
        const auto held = must(places.take(somebody(1)));
        for (int i = 2; i < 50; ++i)
            EXPECT_FALSE(places.take(somebody(i)));
    }
    EXPECT_EQ(places.counts().taken, 0U);
    EXPECT_TRUE(places.take(somebody(1)));
}

TEST(ClientPlaces, gives_a_moved_place_back_once) {
    ClientPlaces places{{.all = 10}};
    {
        ClientPlaces::Place first = must(places.take(somebody(1)));
        ClientPlaces::Place moved = std::move(first);
        first = must(places.take(somebody(2)));
        EXPECT_EQ(places.counts().taken, 2U);
        first = std::move(moved);
        first = {};
    }
    EXPECT_EQ(places.counts().taken, 0U);
}

TEST(ClientPlaces, counts_rightly_from_many_threads) {
    ClientPlaces places{{.all = 8, .per_app = 8, .per_token = 2}};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 2'000; ++round)
                (void)places.take({"shop", "tok_" + std::to_string(i % 2), kHere});
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(places.counts().taken, 0U);
}

TEST(ClientPlaces, outlives_its_owner_in_a_place) {
    auto places = std::make_unique<ClientPlaces>(PlaceLimits{});
    const auto held = must(places->take(somebody(1)));
    places.reset();
}

}  // namespace
}  // namespace photogate::gateway::access
