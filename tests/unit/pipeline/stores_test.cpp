// Which store a new upload goes to, among several regions of which some are down.
#include "pipeline/stores.hpp"

#include <gtest/gtest.h>

#include "example.hpp"

namespace photogate::pipeline {
namespace {

const Error kAway{ErrorCode::http_connect, "refused", {}, std::nullopt};

Stores regions(const std::vector<std::string>& names, RegionOrder order = {}) {
    std::map<std::string, Store> stores;
    for (const auto& name : names) {
        model::StoreRegion region;
        region.name = name;
        stores.emplace(name, Store{region, signer::Signer(region.signer, region.signing_region), nullptr});
    }
    return Stores{std::move(stores), std::move(order)};
}

void end(const Stores& stores, const std::string& region) {
    for (std::uint32_t i = 0; i < storage::objects::StoreHealth::kMostUnanswered; ++i)
        stores.of(region)->health->went_unanswered(kAway);
}

std::string chosen(const Stores& stores, const std::optional<std::string>& named,
                   const std::optional<std::string>& near = std::nullopt) {
    const auto store = stores.choose(named, near);
    return store ? (*store)->region.name : std::string{to_string(store.error().code)};
}

TEST(Stores, the_named_region_comes_before_the_near_one_and_that_before_the_standard_one) {
    const auto stores = regions({"default", "eu", "us"});
    EXPECT_EQ(chosen(stores, "us", "eu"), "us");
    EXPECT_EQ(chosen(stores, {}, "eu"), "eu");
    EXPECT_EQ(chosen(stores, {}), "default");
    EXPECT_EQ(chosen(stores, {}, "gone"), "default");
    EXPECT_EQ(chosen(stores, "gone"), "unknown_region");
    EXPECT_EQ(chosen(regions({"eu", "us"}), {}), "unknown_region");
    EXPECT_EQ(chosen(regions({"eu", "us"}, {"us", {}}), {}), "us");
}

TEST(Stores, a_region_that_is_down_is_replaced_in_the_order_that_is_configured) {
    const auto stores = regions({"a", "b", "c", "d"}, {"c", {{"a", {"d", "b"}}}});
    end(stores, "a");
    EXPECT_EQ(chosen(stores, {}, "a"), "d");
    end(stores, "d");
    EXPECT_EQ(chosen(stores, {}, "a"), "b");
    end(stores, "b");
    EXPECT_EQ(chosen(stores, {}, "a"), "store_unavailable") << "c does not stand in for it";
    // Without an order: the standard region, then the others by name.
    EXPECT_EQ(chosen(stores, {}, "b"), "c");
    EXPECT_EQ(stores.down(), (std::vector<std::string>{"a", "b", "d"}));
}

TEST(Stores, a_region_that_is_down_is_refused_to_whoever_names_it) {
    const auto stores = regions({"default", "eu"});
    end(stores, "eu");
    const auto refused = stores.choose("eu");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::store_unavailable);
    EXPECT_TRUE(refused.error().retry_after);
    EXPECT_NE(refused.error().detail.find("eu"), std::string::npos);
    stores.of("eu")->health->probed({});
    EXPECT_EQ(chosen(stores, "eu"), "eu");
}

TEST(Stores, an_only_region_is_granted_also_while_it_is_down) {
    const auto stores = regions({"eu"});
    end(stores, "eu");
    EXPECT_EQ(chosen(stores, {}), "eu");
    EXPECT_EQ(chosen(stores, "eu"), "eu");
}

TEST(Stores, a_request_that_could_go_nowhere_is_no_mistake_of_its_fields) {
    Example example;
    example.stores = regions({"default", "eu"});
    end(example.stores, "default");
    end(example.stores, "eu");
    const auto planned = example.plan({});
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, ErrorCode::store_unavailable);
    EXPECT_TRUE(planned.error().fields.empty());
}

}  // namespace
}  // namespace photogate::pipeline
