#include "imaging/imager/perceptual_hash.hpp"

#include <algorithm>
#include <array>

namespace photogate::imaging {
namespace {

constexpr std::uint32_t kColumns = 9;
constexpr std::uint32_t kRows = 8;

/// ITU-R BT.601 luma × 1000 × 255, on white.
std::uint64_t luma(const std::uint8_t* pixel) {
    const std::uint64_t alpha = pixel[3];
    const auto on_white = [&](std::uint8_t value) { return value * alpha + 255 * (255 - alpha); };
    return 299 * on_white(pixel[0]) + 587 * on_white(pixel[1]) + 114 * on_white(pixel[2]);
}

/// Where field `index` of `count` begins among `size` pixels; a field has at least one.
std::uint32_t edge(std::uint32_t index, std::uint32_t count, std::uint32_t size) {
    return index * size / count;
}

std::uint64_t mean(const Rgba& picture, std::uint32_t column, std::uint32_t row) {
    const std::uint32_t left = std::min(edge(column, kColumns, picture.width), picture.width - 1);
    const std::uint32_t top = std::min(edge(row, kRows, picture.height), picture.height - 1);
    const std::uint32_t right = std::max(left + 1, edge(column + 1, kColumns, picture.width));
    const std::uint32_t bottom = std::max(top + 1, edge(row + 1, kRows, picture.height));
    std::uint64_t sum = 0;
    for (std::uint32_t y = top; y < bottom; ++y) {
        for (std::uint32_t x = left; x < right; ++x) {
            sum += luma(picture.bytes.data() + (static_cast<std::size_t>(y) * picture.width + x) * 4);
        }
    }
    return sum / (static_cast<std::uint64_t>(right - left) * (bottom - top));
}

}  // namespace

std::uint64_t perceptual_hash(const Rgba& picture) {
    std::uint64_t hash = 0;
    for (std::uint32_t row = 0; row < kRows; ++row) {
        std::uint64_t before = mean(picture, 0, row);
        for (std::uint32_t column = 1; column < kColumns; ++column) {
            const std::uint64_t here = mean(picture, column, row);
            hash = hash << 1 | (here > before ? 1U : 0U);
            before = here;
        }
    }
    return hash;
}

}  // namespace photogate::imaging
