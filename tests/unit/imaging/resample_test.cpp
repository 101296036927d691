// Our own filter against the same one in floating point, and against what makes a resize look wrong: shifts, colours that
// change, edges of another colour.
#include "imaging/imager/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

class Resample : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        // Not start_libraries(), which works once in a process.
        ASSERT_EQ(VIPS_INIT("resample_test"), 0);
    }
    static Image picture(int width, int height, int bands, const std::vector<std::uint8_t>& pixels) {
        const Image copied(vips_image_new_from_memory_copy(pixels.data(), pixels.size(), width, height, bands,
                                                           VIPS_FORMAT_UCHAR));
        Image named;
        EXPECT_EQ(vips_copy(copied.get(), OutImage(named), "interpretation",
                            bands == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB, nullptr),
                  0);
        return Image(vips_image_copy_memory(named.get()));
    }
    /// Noise with hard edges: what is hardest to resize.
    static std::vector<std::uint8_t> noise(int width, int height, int bands) {
        std::vector<std::uint8_t> pixels;
        std::uint32_t state = 12'345;
        for (int i = 0; i < width * height * bands; ++i) {
            state = state * 1'664'525 + 1'013'904'223;
            pixels.push_back(static_cast<std::uint8_t>(((i / 40) % 2) * 128 + (state >> 25)));
        }
        return pixels;
    }
};

double lanczos(double x) {
    if (x == 0) return 1;
    if (std::abs(x) >= 3) return 0;
    const double angle = std::numbers::pi * x;
    return 3 * std::sin(angle) * std::sin(angle / 3) / (angle * angle);
}

/// One axis, in floating point, numbers `step` apart; the edge goes on outside.
std::vector<double> reduced(const std::vector<double>& line, int to) {
    const int from = static_cast<int>(line.size());
    const double scale = static_cast<double>(from) / to;
    std::vector<double> result;
    for (int i = 0; i < to; ++i) {
        const double centre = (i + 0.5) * scale - 0.5;
        double sum = 0, weights = 0;
        for (int at = static_cast<int>(centre - 3 * scale) - 1; at <= centre + 3 * scale + 1; ++at) {
            const double weight = lanczos((at - centre) / scale);
            sum += weight * line[static_cast<std::size_t>(std::clamp(at, 0, from - 1))];
            weights += weight;
        }
        result.push_back(sum / weights);
    }
    return result;
}

struct Size {
    int width, height;
};

std::vector<double> reference(const std::vector<std::uint8_t>& pixels, Size from, int bands, Size to) {
    std::vector<double> result(static_cast<std::size_t>(to.width * to.height * bands));
    for (int band = 0; band < bands; ++band) {
        std::vector<std::vector<double>> columns;
        for (int x = 0; x < from.width; ++x) {
            std::vector<double> column;
            for (int y = 0; y < from.height; ++y)
                column.push_back(pixels[static_cast<std::size_t>((y * from.width + x) * bands + band)]);
            columns.push_back(reduced(column, to.height));
        }
        for (int y = 0; y < to.height; ++y) {
            std::vector<double> row;
            for (const auto& column : columns)
                row.push_back(column[static_cast<std::size_t>(y)]);
            const auto made = reduced(row, to.width);
            for (int x = 0; x < to.width; ++x)
                result[static_cast<std::size_t>((y * to.width + x) * bands + band)] =
                    std::clamp(made[static_cast<std::size_t>(x)], 0.0, 255.0);
        }
    }
    return result;
}

TEST_F(Resample, differs_from_the_filter_in_floating_point_by_one_level_at_most) {
    for (const int bands : {1, 3}) {
        for (const auto& [from, to] : std::vector<std::pair<Size, Size>>{{{211, 97}, {100, 46}},
                                                                         {{211, 97}, {210, 96}},
                                                                         {{211, 97}, {17, 8}},
                                                                         {{64, 300}, {21, 100}},
                                                                         {{3, 3}, {2, 2}},
                                                                         {{500, 2}, {40, 1}},
                                                                         {{40, 40}, {1, 1}}}) {
            const auto pixels = noise(from.width, from.height, bands);
            const Image whole = picture(from.width, from.height, bands, pixels);
            const Image made = resampled(whole.get(), to.width, to.height);
            ASSERT_TRUE(made);
            const auto wanted = reference(pixels, from, bands, to);
            const BytesView got = pixels_of(made.get());
            ASSERT_EQ(got.size(), wanted.size());
            double worst = 0;
            for (std::size_t i = 0; i < wanted.size(); ++i)
                worst = std::max(worst, std::abs(got[i] - wanted[i]));
            EXPECT_LE(worst, 1.0) << bands << " bands, " << to.width << " x " << to.height;
        }
    }
}

TEST_F(Resample, gives_the_same_bytes_whichever_instructions_are_used) {
    for (const int bands : {1, 3}) {
        const Image whole = picture(333, 217, bands, noise(333, 217, bands));
        for (const auto& [width, height] : {std::pair{320, 200}, {133, 90}, {41, 30}, {3, 1}}) {
            const Image widest = resampled(whole.get(), width, height);
            for (const Vectors vectors : {Vectors::sse2, Vectors::none}) {
                const Image other = resampled(whole.get(), width, height, vectors);
                ASSERT_TRUE(widest && other);
                EXPECT_TRUE(std::ranges::equal(pixels_of(widest.get()), pixels_of(other.get())))
                    << bands << " bands, " << width << " x " << height;
            }
        }
    }
}

TEST_F(Resample, keeps_a_plain_colour_exactly) {
    for (const int level : {0, 1, 127, 254, 255}) {
        const std::vector<std::uint8_t> pixels(300U * 200 * 3, static_cast<std::uint8_t>(level));
        const Image made = resampled(picture(300, 200, 3, pixels).get(), 77, 51);
        ASSERT_TRUE(made);
        for (const std::uint8_t each : pixels_of(made.get()))
            ASSERT_EQ(each, level);
    }
}

TEST_F(Resample, keeps_each_colour_to_itself) {
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < 90 * 60; ++i)
        pixels.insert(pixels.end(), {200, 100, 50});
    const Image made = resampled(picture(90, 60, 3, pixels).get(), 31, 20);
    ASSERT_TRUE(made);
    const BytesView got = pixels_of(made.get());
    for (std::size_t i = 0; i < got.size(); i += 3) {
        ASSERT_EQ(got[i], 200);
        ASSERT_EQ(got[i + 1], 100);
        ASSERT_EQ(got[i + 2], 50);
    }
}

TEST_F(Resample, takes_what_it_can_and_leaves_the_rest_to_libvips) {
    const Image rgb = picture(8, 8, 3, noise(8, 8, 3));
    Image with_alpha, deep;
    ASSERT_EQ(vips_addalpha(rgb.get(), OutImage(with_alpha), nullptr), 0);
    ASSERT_EQ(vips_cast(rgb.get(), OutImage(deep), VIPS_FORMAT_USHORT, nullptr), 0);
    EXPECT_TRUE(can_resample(rgb.get()));
    EXPECT_FALSE(can_resample(with_alpha.get()));
    EXPECT_FALSE(can_resample(deep.get()));
    const Image small = shrunk_to(with_alpha.get(), 4);
    ASSERT_TRUE(small);
    EXPECT_EQ(vips_image_get_width(small.get()), 4);
    EXPECT_EQ(vips_image_get_bands(small.get()), 4);
}

TEST_F(Resample, keeps_proportions_and_enlarges_nothing) {
    const Image whole = picture(400, 300, 3, noise(400, 300, 3));
    const Image small = shrunk_to(whole.get(), 101);
    ASSERT_TRUE(small);
    EXPECT_EQ(vips_image_get_width(small.get()), 101);
    EXPECT_EQ(vips_image_get_height(small.get()), 76);
    const Image same = shrunk_to(whole.get(), 800);
    EXPECT_EQ(same.get(), whole.get());
    const Image line = shrunk_to(picture(900, 2, 3, noise(900, 2, 3)).get(), 30);
    ASSERT_TRUE(line);
    EXPECT_EQ(vips_image_get_height(line.get()), 1);
}

}  // namespace
}  // namespace photogate::imaging
