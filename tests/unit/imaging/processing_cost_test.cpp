#include "imaging/processing_cost.hpp"

#include <gtest/gtest.h>

namespace photogate::imaging {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kPhone = 8192ULL * 6144;
constexpr std::uint64_t kLargestPhone = 16'384ULL * 12'288;

/// What a task may use with the pool's defaults; Limits states the same.
const Limits kLimits;

bool affordable(const PictureShape& shape) {
    const Cost cost = decoding_cost(shape);
    const Cost output = encoding_cost(Format::jpeg, 2048ULL * 1536);
    return cost.memory + output.memory <= kLimits.max_memory && cost.time + output.time <= kLimits.max_work;
}

PictureShape still(Format format, std::uint64_t pixels, std::uint32_t bits = 8) {
    return {.format = format, .pixels = pixels, .total_pixels = pixels, .bits = bits};
}

TEST(ProcessingCost, default_limits_accept_the_pictures_of_phones) {
    EXPECT_TRUE(affordable(still(Format::jpeg, kLargestPhone)));
    EXPECT_TRUE(affordable(still(Format::heic, kLargestPhone)));
    EXPECT_TRUE(affordable(still(Format::jpeg, 16'382ULL * 3'628)));
    EXPECT_TRUE(affordable(still(Format::heic, kPhone, 10)));
    EXPECT_TRUE(affordable(still(Format::avif, kPhone, 10)));
    EXPECT_LE(kLargestPhone, kLimits.max_pixels);
    PictureShape progressive = still(Format::jpeg, kLargestPhone);
    progressive.progressive = true;
    EXPECT_TRUE(affordable(progressive));
}

TEST(ProcessingCost, memory_follows_what_the_decoder_keeps) {
    EXPECT_EQ(decoding_cost(still(Format::jpeg, kPhone)).memory, 0U);
    EXPECT_EQ(decoding_cost(still(Format::png, kPhone)).memory, 0U);
    EXPECT_GT(decoding_cost(still(Format::heic, kPhone, 10)).memory,
              decoding_cost(still(Format::heic, kPhone)).memory);
    PictureShape interlaced = still(Format::png, kPhone, 16);
    interlaced.progressive = true;
    EXPECT_GE(decoding_cost(interlaced).memory, kPhone * 6);
    EXPECT_FALSE(affordable(still(Format::heic, 1'000'000'000)));
}

TEST(ProcessingCost, time_counts_every_frame) {
    PictureShape film{.format = Format::gif, .pixels = 810 * 810, .total_pixels = 300ULL * 810 * 810};
    EXPECT_GT(decoding_cost(film).time, 1s);
    EXPECT_LT(decoding_cost(film).time + animation_time(Format::webp, film.total_pixels), kLimits.max_work);
    EXPECT_GT(animation_time(Format::gif, film.total_pixels), kLimits.max_work);
}

TEST(ProcessingCost, of_a_watermark_follows_the_area_that_it_covers_and_the_frames) {
    constexpr std::uint64_t kPixels = 2048ULL * 1536;
    Watermark mark;
    mark.size = 20;
    const Cost once = marking_cost(mark, kPixels, 1);
    mark.tiling = Tiling::tiled;
    const Cost tiled = marking_cost(mark, kPixels, 1);
    EXPECT_GE(tiled.time, 20 * once.time);
    EXPECT_GE(tiled.time, 100ms) << "as measured with libvips 8.14: 125 ms";
    EXPECT_EQ(tiled.memory, once.memory) << "the picture is copied in both cases";
    EXPECT_GE(marking_cost(mark, kPixels, 100).time, 99 * tiled.time);
    EXPECT_EQ(marking_cost(mark, kPixels, 100).memory, tiled.memory) << "frame by frame";
}

TEST(ProcessingCost, budget_leaves_a_slow_core_its_time) {
    EXPECT_EQ(usable_time(45s), 15s);
    EXPECT_EQ(usable_time(300ms), 2s) << "below that the clock alone decides";
    EXPECT_EQ(usable_memory(2ULL << 30), (2ULL << 30) - kImagerOverhead);
    EXPECT_EQ(usable_memory(1), 0U);
    EXPECT_EQ(usable_memory(2ULL << 30), kLimits.max_memory);
    EXPECT_EQ(usable_time(45s), kLimits.max_work);
}

TEST(ProcessingCost, reachable_ceiling_follows_memory_and_clock) {
    EXPECT_GE(reachable_pixels(Format::heic, kLimits.max_memory, kLimits.max_work), kLargestPhone);
    EXPECT_GE(reachable_pixels(Format::jpeg, kLimits.max_memory, kLimits.max_work), 1'000'000'000U);
    EXPECT_LT(reachable_pixels(Format::heic, 704ULL << 20, kLimits.max_work), kLargestPhone);
    EXPECT_LT(reachable_pixels(Format::jpeg, kLimits.max_memory, 2s), kLargestPhone);
}

}  // namespace
}  // namespace photogate::imaging
