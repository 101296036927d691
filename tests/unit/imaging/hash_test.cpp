#include <bit>
#include <cmath>

#include <gtest/gtest.h>

#include "imaging/imager/dominant_color.hpp"
#include "imaging/imager/perceptual_hash.hpp"
#include "imaging/imager/thumb_hash.hpp"

namespace photogate::imaging {
namespace {

template <class Paint>
Rgba painted(std::uint32_t width, std::uint32_t height, Paint paint) {
    Rgba picture{.width = width, .height = height, .bytes = {}};
    for (std::uint32_t y = 0; y < height; ++y) {
        for (std::uint32_t x = 0; x < width; ++x) {
            const auto pixel = paint(x, y);
            picture.bytes.insert(picture.bytes.end(), pixel.begin(), pixel.end());
        }
    }
    return picture;
}

using Pixel = std::array<std::uint8_t, 4>;

Rgba gradient(std::uint32_t width, std::uint32_t height) {
    return painted(width, height, [&](std::uint32_t x, std::uint32_t y) {
        return Pixel{static_cast<std::uint8_t>(255 * x / width), static_cast<std::uint8_t>(255 * y / height),
                     90, 255};
    });
}

TEST(ThumbHash, encodes_mean_colour_and_shape) {
    // The format's header: six bits each of luminance, yellow-blue and red-green; then the smaller edge and
    // which it is.
    const Bytes hash = thumb_hash(painted(100, 50, [](auto, auto) { return Pixel{255, 0, 0, 255}; }));
    const std::uint32_t head = hash[0] | hash[1] << 8 | hash[2] << 16;
    const double l = (head & 63) / 63.0;
    const double p = (head >> 6 & 63) / 31.5 - 1;
    const double q = (head >> 12 & 63) / 31.5 - 1;
    const double blue = l - 2.0 / 3.0 * p;
    const double red = (3 * l - blue + q) / 2;
    EXPECT_NEAR(red, 1, 0.06);
    EXPECT_NEAR(red - q, 0, 0.06);
    EXPECT_NEAR(blue, 0, 0.06);
    EXPECT_EQ(head >> 23, 0U);
    EXPECT_EQ(hash[4] >> 7, 1);
    EXPECT_EQ(hash[3] & 7, 4);
}

TEST(ThumbHash, records_alpha_and_stays_small) {
    const Bytes clear = thumb_hash(painted(60, 80, [](auto x, auto) {
        return Pixel{10, 200, 30, static_cast<std::uint8_t>(x * 4)};
    }));
    EXPECT_EQ(clear[2] >> 7, 1);
    EXPECT_LE(clear.size(), 25U);
    EXPECT_LE(thumb_hash(gradient(100, 100)).size(), 25U);
    EXPECT_GE(thumb_hash(gradient(1, 1)).size(), 5U);
}

TEST(PerceptualHash, is_all_ones_for_brightening_and_zeros_for_darkening) {
    EXPECT_EQ(perceptual_hash(painted(90, 80,
                                      [](auto x, auto) {
                                          const auto v = static_cast<std::uint8_t>(x * 2);
                                          return Pixel{v, v, v, 255};
                                      })),
              ~0ULL);
    EXPECT_EQ(perceptual_hash(painted(90, 80,
                                      [](auto x, auto) {
                                          const auto v = static_cast<std::uint8_t>(200 - x * 2);
                                          return Pixel{v, v, v, 255};
                                      })),
              0ULL);
}

TEST(PerceptualHash, stays_near_for_scaled_and_far_for_other_pictures) {
    const auto wave = [](std::uint32_t side, double turn) {
        return painted(side, side, [&](std::uint32_t x, std::uint32_t y) {
            const double a = 12.0 * x / side;
            const double b = 9.0 * y / side;
            const auto v = static_cast<std::uint8_t>(127 + 100 * std::sin(a + turn) * std::cos(b + turn));
            return Pixel{v, v, v, 255};
        });
    };
    const auto hash = perceptual_hash(wave(100, 0));
    EXPECT_LE(std::popcount(hash ^ perceptual_hash(wave(80, 0))), 6);
    EXPECT_GT(std::popcount(hash ^ perceptual_hash(wave(100, 1.5))), 12);
    (void)perceptual_hash(gradient(1, 1));
}

TEST(DominantColor, is_the_colour_that_most_pixels_have_and_not_their_mean) {
    // A third blue, two thirds nearly red: the mean would be purple.
    const auto picture = painted(30, 10, [](auto x, auto y) {
        return x < 10 ? Pixel{0, 0, 255, 255} : Pixel{static_cast<std::uint8_t>(250 + y % 2 * 2), 4, 6, 255};
    });
    EXPECT_EQ(dominant_color(picture), "#fb0406");
}

TEST(DominantColor, weighs_what_is_seen) {
    const auto hidden = painted(30, 10, [](auto x, auto) {
        return x < 20 ? Pixel{0, 255, 0, 1} : Pixel{10, 20, 30, 255};
    });
    EXPECT_EQ(dominant_color(hidden), "#0a141e");
    EXPECT_EQ(dominant_color(painted(4, 4, [](auto, auto) { return Pixel{9, 9, 9, 0}; })), "");
}

}  // namespace
}  // namespace photogate::imaging
