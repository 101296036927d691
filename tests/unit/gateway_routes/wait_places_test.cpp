#include "gateway/routes/wait_places.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::gateway::routes {
namespace {

WaitPlaces::Place must(Result<WaitPlaces::Place> place) {
    EXPECT_TRUE(place) << place.error().detail;
    return place ? std::move(*place) : WaitPlaces::Place{};
}

/// A client that nothing but the limits in common with others binds.
WaitingClient somebody(int number) {
    return {.app = "app" + std::to_string(number),
            .token = "",
            .address = parse_ip_address("192.0.2." + std::to_string(number))};
}

std::uint64_t refused(const WaitPlaces& places, WaitPlaces::Limit limit) {
    return places.counts().refused[static_cast<std::size_t>(limit)];
}

struct OneLimit {
    WaitPlaces::Limit limit;
    WaitLimits limits;
    WaitingClient client;
    WaitingClient other;
    ErrorCode code;
};

class WaitPlacesLimit : public testing::TestWithParam<OneLimit> {};

TEST_P(WaitPlacesLimit, holds_for_one_client_and_leaves_the_others_alone) {
    const OneLimit& each = GetParam();
    WaitPlaces places{each.limits};
    std::vector<WaitPlaces::Place> held;
    for (int i = 0; i < 2; ++i)
        held.push_back(must(places.take(each.client)));
    const auto over = places.take(each.client);
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().code, each.code);
    EXPECT_GT(over.error().retry_after, std::chrono::seconds{0});
    EXPECT_EQ(refused(places, each.limit), 1U);
    if (each.limit != WaitPlaces::Limit::all) held.push_back(must(places.take(each.other)));
    held.erase(held.begin());
    held.push_back(must(places.take(each.client)));
    held.clear();
    EXPECT_EQ(places.counts().taken, 0U);
}

const auto kHere = parse_ip_address("2001:db8::1");
const auto kSameNetwork = parse_ip_address("2001:db8::ffff");
const auto kElsewhere = parse_ip_address("2001:db8:0:1::1");

INSTANTIATE_TEST_SUITE_P(All, WaitPlacesLimit,
                         testing::Values(OneLimit{WaitPlaces::Limit::token,
                                                  {.per_token = 2},
                                                  {"shop", "tok_1", kHere},
                                                  {"shop", "tok_2", kHere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{WaitPlaces::Limit::app,
                                                  {.per_app = 2},
                                                  {"shop", "", kHere},
                                                  {"blog", "", kHere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{WaitPlaces::Limit::address,
                                                  {.per_address = 2},
                                                  {"shop", "", kHere},
                                                  {"shop", "", kElsewhere},
                                                  ErrorCode::rate_limited},
                                         OneLimit{WaitPlaces::Limit::all,
                                                  {.all = 2},
                                                  {"shop", "", kHere},
                                                  {"blog", "", kElsewhere},
                                                  ErrorCode::overloaded}));

TEST(WaitPlaces, counts_an_ipv6_network_of_64_bits_as_one_address) {
    WaitPlaces places{{.per_address = 1}};
    const auto first = must(places.take({"shop", "", kHere}));
    EXPECT_FALSE(places.take({"blog", "", kSameNetwork}));
    EXPECT_TRUE(places.take({"blog", "", kElsewhere}));
}

TEST(WaitPlaces, counts_the_tokens_of_an_app_with_it) {
    WaitPlaces places{{.per_app = 2, .per_token = 1}};
    const auto one = must(places.take({"shop", "tok_1", std::nullopt}));
    const auto two = must(places.take({"shop", "tok_2", std::nullopt}));
    EXPECT_FALSE(places.take({"shop", "", std::nullopt}));
    EXPECT_EQ(refused(places, WaitPlaces::Limit::app), 1U);
}

TEST(WaitPlaces, bounds_no_address_of_a_proxy) {
    WaitPlaces places{{.per_address = 1}};
    const auto one = must(places.take({"shop", "", std::nullopt}));
    const auto two = must(places.take({"shop", "", std::nullopt}));
    EXPECT_EQ(places.counts().taken, 2U);
}

TEST(WaitPlaces, takes_no_place_where_it_refuses) {
    WaitPlaces places{{.all = 1}};
    {
        const auto held = must(places.take(somebody(1)));
        for (int i = 2; i < 50; ++i)
            EXPECT_FALSE(places.take(somebody(i)));
    }
    EXPECT_EQ(places.counts().taken, 0U);
    EXPECT_TRUE(places.take(somebody(1)));
}

TEST(WaitPlaces, gives_a_moved_place_back_once) {
    WaitPlaces places{{.all = 10}};
    {
        WaitPlaces::Place first = must(places.take(somebody(1)));
        WaitPlaces::Place moved = std::move(first);
        first = must(places.take(somebody(2)));
        EXPECT_EQ(places.counts().taken, 2U);
        first = std::move(moved);
        first = {};
    }
    EXPECT_EQ(places.counts().taken, 0U);
}

TEST(WaitPlaces, counts_rightly_from_many_threads) {
    WaitPlaces places{{.all = 8, .per_app = 8, .per_token = 2}};
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

TEST(WaitPlaces, outlives_its_owner_in_a_place) {
    auto places = std::make_unique<WaitPlaces>(WaitLimits{});
    const auto held = must(places->take(somebody(1)));
    places.reset();
}

}  // namespace
}  // namespace photogate::gateway::routes
