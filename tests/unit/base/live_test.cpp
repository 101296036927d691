#include "base/live.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate {
namespace {

TEST(Live, reader_keeps_the_value_that_it_took) {
    Live<int> live{1};
    const auto taken = live.now();
    live.replace(2);
    EXPECT_EQ(*taken, 1);
    EXPECT_EQ(*live.now(), 2);
}

TEST(Live, value_ends_with_its_last_reader) {
    const auto first = std::make_shared<const int>(1);
    Live<int> live{first};
    auto taken = live.now();
    live.replace(2);
    EXPECT_EQ(first.use_count(), 2);
    taken.reset();
    EXPECT_EQ(first.use_count(), 1);
}

TEST(Live, readers_see_whole_values_while_it_is_replaced) {
    struct Pair {
        int one, same;
    };
    Live<Pair> live{Pair{0, 0}};
    std::atomic<bool> stop{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!stop) {
                const auto seen = live.now();
                torn += seen->one == seen->same ? 0 : 1;
            }
        });
    for (int i = 1; i <= 20'000; ++i)
        live.replace(Pair{i, i});
    stop = true;
    for (auto& reader : readers)
        reader.join();
    EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace photogate
