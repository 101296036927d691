#include "delivery/segmented_lru.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

class SegmentedLruTest : public testing::Test {
  protected:
    bool add(const std::string& name, std::uint64_t weight = 10) {
        return kept.add(
            name, weight, weight, [&](std::uint64_t value) { return !held.contains(value); },
            [&](const auto& entry) { gone.push_back(entry.name); });
    }
    bool has(const std::string& name) { return kept.use(name) != nullptr; }

    SegmentedLru<std::uint64_t> kept{100};
    std::vector<std::string> gone;
    std::map<std::uint64_t, bool> held;  ///< by weight: may not go
};

TEST_F(SegmentedLruTest, gives_up_what_was_not_used_for_longest) {
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})
        ASSERT_TRUE(add(name));
    EXPECT_TRUE(gone.empty());
    ASSERT_TRUE(add("k"));
    ASSERT_TRUE(add("l"));
    EXPECT_EQ(gone, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(kept.weight(), 100U);
    EXPECT_FALSE(has("a"));
    EXPECT_TRUE(has("c"));
}

TEST_F(SegmentedLruTest, one_pass_over_many_names_takes_the_place_of_nothing_that_is_used_again) {
    for (const char* name : {"hot 1", "hot 2", "hot 3", "hot 4", "hot 5"}) {
        ASSERT_TRUE(add(name));
        ASSERT_TRUE(has(name));
    }
    for (int each = 0; each < 10'000; ++each)
        ASSERT_TRUE(add("scan " + std::to_string(each)));
    for (const char* name : {"hot 1", "hot 2", "hot 3", "hot 4", "hot 5"})
        EXPECT_TRUE(has(name)) << name;
    EXPECT_EQ(kept.weight(), 100U);
    EXPECT_EQ(kept.size(), 10U);
}

TEST_F(SegmentedLruTest, what_was_hot_once_makes_room_for_what_is_now) {
    for (int each = 0; each < 10; ++each) {
        ASSERT_TRUE(add("old " + std::to_string(each)));
        ASSERT_TRUE(has("old " + std::to_string(each)));
    }
    for (int each = 0; each < 10; ++each) {
        ASSERT_TRUE(add("new " + std::to_string(each)));
        ASSERT_TRUE(has("new " + std::to_string(each)));
    }
    for (int each = 2; each < 10; ++each)
        EXPECT_TRUE(has("new " + std::to_string(each))) << each;
}

TEST_F(SegmentedLruTest, makes_room_for_a_heavy_one_by_giving_up_as_many_as_it_takes) {
    for (const char* name : {"a", "b", "c"})
        ASSERT_TRUE(add(name, 30));
    ASSERT_TRUE(add("heavy", 70));
    EXPECT_EQ(gone, (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(add("too heavy", 101));
    EXPECT_TRUE(has("heavy"));
    EXPECT_EQ(kept.weight(), 100U);
}

TEST_F(SegmentedLruTest, what_may_not_go_stays_and_others_go_in_its_place) {
    ASSERT_TRUE(add("held", 11));
    ASSERT_TRUE(add("free", 50));
    held[11] = true;
    ASSERT_TRUE(add("next", 60));
    EXPECT_EQ(gone, std::vector<std::string>{"free"});
    held[60] = true;
    EXPECT_FALSE(add("more", 40)) << "all that is there may not go";
    EXPECT_TRUE(has("held"));
    EXPECT_TRUE(has("next"));
    EXPECT_EQ(kept.weight(), 71U);
}

TEST_F(SegmentedLruTest, a_name_that_is_there_is_not_added_again) {
    ASSERT_TRUE(add("a", 10));
    EXPECT_FALSE(add("a", 20));
    EXPECT_EQ(kept.weight(), 10U);
}

TEST_F(SegmentedLruTest, drops_all_that_begin_alike) {
    for (const char* name : {"x/1", "x/2", "xy/1", "w/9"})
        ASSERT_TRUE(add(name));
    ASSERT_TRUE(has("x/2"));
    std::vector<std::string> dropped;
    EXPECT_EQ(kept.drop("x/", [&](const auto& entry) { dropped.push_back(entry.name); }), 2U);
    EXPECT_EQ(dropped, (std::vector<std::string>{"x/1", "x/2"}));
    EXPECT_EQ(kept.weight(), 20U);
    EXPECT_FALSE(has("x/2"));
    EXPECT_TRUE(has("xy/1"));
    EXPECT_EQ(kept.name_from("x"), "xy/1");
    EXPECT_EQ(kept.name_from("y"), "");
}

}  // namespace
}  // namespace photogate::delivery
