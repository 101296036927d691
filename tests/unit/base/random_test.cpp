#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate {
namespace {

std::uint64_t draw(Random& random) {
    std::uint64_t value = 0;
    random.fill(std::as_writable_bytes(std::span{&value, 1}));
    return value;
}

TEST(SeededRandom, repeats_itself_and_differs_by_seed) {
    SeededRandom one{7}, same{7}, other{8};
    EXPECT_EQ(draw(one), draw(same));
    EXPECT_NE(draw(one), draw(other));
}

TEST(Random, stays_below_bound_and_reaches_every_value) {
    SeededRandom random{1};
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i)
        seen.insert(random.below(7));
    EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6}));
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(random.below(1), 0U);
}

TEST(SystemRandom, never_returns_the_same_bytes_twice) {
    std::vector<std::set<std::uint64_t>> seen(4);
    std::vector<std::thread> threads;
    for (auto& mine : seen) {
        threads.emplace_back([&mine] {
            SystemRandom random;
            for (int i = 0; i < 5000; ++i)
                mine.insert(draw(random));
        });
    }
    for (auto& thread : threads)
        thread.join();
    std::set<std::uint64_t> all;
    for (const auto& mine : seen)
        all.insert(mine.begin(), mine.end());
    EXPECT_EQ(all.size(), 20000U);
}

TEST(SystemRandom, fills_more_than_its_buffer) {
    SystemRandom random;
    std::array<std::byte, 2000> bytes{};
    random.fill(bytes);
    EXPECT_LT(std::count(bytes.begin(), bytes.end(), std::byte{0}), 100);
}

}  // namespace
}  // namespace photogate
