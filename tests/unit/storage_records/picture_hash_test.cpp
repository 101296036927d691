#include "storage/records/picture_hash.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace photogate::storage::records {
namespace {

TEST(PictureHash, reads_sixteen_hex_digits_and_nothing_else) {
    EXPECT_EQ(parse_picture_hash("c3d4e5f6a7b8c9d0"), 0xc3d4e5f6a7b8c9d0);
    EXPECT_EQ(parse_picture_hash("FFFFFFFFFFFFFFFF"), ~0ULL);
    for (const char* text : {"", "c3d4e5f6a7b8c9d", "c3d4e5f6a7b8c9d00", "c3d4e5f6a7b8c9dg",
                             "0x00000000000000", " c3d4e5f6a7b8c9d"})
        EXPECT_EQ(parse_picture_hash(text), std::nullopt) << text;
}

TEST(PictureHash, a_block_takes_every_fourth_bit) {
    EXPECT_EQ(blocks_of(0x1111111111111111), (std::array<std::uint16_t, 4>{0xFFFF, 0, 0, 0}));
    EXPECT_EQ(blocks_of(0x8000000000000000), (std::array<std::uint16_t, 4>{0, 0, 0, 0x8000}));
    EXPECT_EQ(blocks_of(0x12), (std::array<std::uint16_t, 4>{2, 1, 0, 0}));
}

TEST(PictureHash, hashes_near_one_are_each_once_and_as_far_as_asked) {
    constexpr std::uint64_t kHash = 0xc3d4e5f6a7b8c9d0;
    for (const auto& [from, to, count] :
         {std::tuple{0, 0, 1U}, {0, 1, 65U}, {1, 1, 64U}, {0, 2, 2'081U}, {2, 2, 2'016U}}) {
        const auto near = hashes_near(kHash, from, to);
        EXPECT_EQ(near.size(), count);
        EXPECT_EQ(std::set(near.begin(), near.end()).size(), count);
        for (const auto hash : near) {
            EXPECT_GE(distance_between(hash, kHash), from);
            EXPECT_LE(distance_between(hash, kHash), to);
        }
    }
}

TEST(PictureHash, near_blocks_are_each_value_once) {
    for (const auto& [distance, count] :
         {std::pair{0, 1U}, {3, 1U}, {4, 17U}, {7, 17U}, {8, 137U}, {10, 137U}}) {
        const auto near = near_blocks(0xA5A5, distance);
        EXPECT_EQ(near.size(), count) << distance;
        EXPECT_EQ(std::set(near.begin(), near.end()).size(), count) << distance;
    }
}

TEST(PictureHash, a_hash_within_the_distance_has_a_near_block) {
    std::mt19937_64 random{7};
    for (int round = 0; round < 2'000; ++round) {
        const std::uint64_t hash = random();
        const int distance = static_cast<int>(random() % (kMostDistance + 1));
        std::uint64_t other = hash;
        while (distance_between(hash, other) < distance)
            other ^= 1ULL << random() % 64;
        const auto mine = blocks_of(hash), theirs = blocks_of(other);
        bool found = false;
        for (std::size_t i = 0; i < mine.size(); ++i) {
            const auto near = near_blocks(mine[i], distance);
            found = found || std::find(near.begin(), near.end(), theirs[i]) != near.end();
        }
        EXPECT_TRUE(found) << std::hex << hash << " and " << other;
    }
}

}  // namespace
}  // namespace photogate::storage::records
