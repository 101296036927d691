#include "delivery/memory_cache.hpp"

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

constexpr std::uint64_t kLimit = 64'000;

MemoryCache::Bytes bytes(std::size_t size, char fill = 'x') {
    return std::make_shared<const std::string>(size, fill);
}

const PublicId kImage = PublicId::trusted("7h2k4m6n8p0q1r3s5t7v9w0x2y");
const PublicId kOther = PublicId::trusted("0h2k4m6n8p0q1r3s5t7v9w0x2y");

TEST(MemoryCacheTest, has_what_it_was_given) {
    MemoryCache cache{kLimit};
    EXPECT_EQ(cache.find("a/1"), nullptr);
    ASSERT_TRUE(cache.keep("a/1", bytes(1'000)));
    ASSERT_NE(cache.find("a/1"), nullptr);
    EXPECT_EQ(*cache.find("a/1"), std::string(1'000, 'x'));
    const auto counts = cache.counts();
    EXPECT_EQ(counts.hits, 2U);
    EXPECT_EQ(counts.misses, 1U);
    EXPECT_EQ(counts.entries, 1U);
    EXPECT_GE(counts.bytes, 1'000U);
}

TEST(MemoryCacheTest, never_holds_more_than_its_limit) {
    MemoryCache cache{kLimit};
    for (int each = 0; each < 1'000; ++each) {
        cache.keep("a/" + std::to_string(each), bytes(static_cast<std::size_t>(each % 3'000)));
        ASSERT_LE(cache.counts().bytes, kLimit);
    }
    EXPECT_GT(cache.counts().evictions, 0U);
    EXPECT_GT(cache.counts().bytes, kLimit / 2);
}

TEST(MemoryCacheTest, one_image_is_never_most_of_it) {
    MemoryCache cache{kLimit};
    EXPECT_TRUE(cache.takes(4'000));
    EXPECT_FALSE(cache.takes(4'001));
    EXPECT_FALSE(cache.keep("a/1", bytes(4'001)));
    EXPECT_FALSE(MemoryCache{1ULL << 40}.takes(MemoryCache::kLargest + 1));
}

TEST(MemoryCacheTest, of_no_size_keeps_nothing) {
    MemoryCache cache{0};
    EXPECT_FALSE(cache.takes(1));
    EXPECT_FALSE(cache.keep("a/1", bytes(1)));
    EXPECT_EQ(cache.counts().bytes, 0U);
}

TEST(MemoryCacheTest, what_slow_readers_hold_is_counted_and_nothing_is_kept_beyond_it) {
    MemoryCache cache{kLimit};
    std::vector<MemoryCache::Bytes> sending;
    for (int each = 0; each < 100; ++each) {
        auto next = bytes(4'000);
        if (cache.keep("a/" + std::to_string(each), next)) sending.push_back(next);
    }
    EXPECT_LT(sending.size(), 16U);
    EXPECT_LE(cache.counts().bytes, kLimit);
    EXPECT_EQ(cache.counts().evictions, 0U);
    sending.clear();
    EXPECT_TRUE(cache.keep("b/1", bytes(4'000))) << "once they are sent, there is room again";
}

TEST(MemoryCacheTest, forgets_all_of_one_image) {
    MemoryCache cache{kLimit};
    ASSERT_TRUE(cache.keep(kImage.str() + "/1", bytes(10)));
    ASSERT_TRUE(cache.keep(kImage.str() + "/2", bytes(10)));
    ASSERT_TRUE(cache.keep(kOther.str() + "/1", bytes(10)));
    cache.forget(kImage);
    EXPECT_EQ(cache.find(kImage.str() + "/1"), nullptr);
    EXPECT_EQ(cache.find(kImage.str() + "/2"), nullptr);
    EXPECT_NE(cache.find(kOther.str() + "/1"), nullptr);
}

}  // namespace
}  // namespace photogate::delivery
