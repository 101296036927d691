#include "imaging/imager/small_copy.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint32_t kHashEdge = 100;

}  // namespace

Result<Rgba> small_copy(VipsImage* base) {
    const Image held(vips_image_copy_memory(base));
    if (!held) return fail(ErrorCode::internal, "the picture can't be shrunk for its hashes");
    const BytesView from = pixels_of(held.get());
    const auto width = static_cast<std::size_t>(vips_image_get_width(held.get()));
    const auto height = static_cast<std::size_t>(vips_image_get_height(held.get()));
    const auto bands = static_cast<std::size_t>(vips_image_get_bands(held.get()));
    const bool alpha = has_alpha(held.get());
    const std::size_t colours = alpha ? bands - 1 : bands;
    const std::size_t longer = std::max({width, height, std::size_t{kHashEdge}});
    const std::size_t columns = std::max<std::size_t>(1, (width * kHashEdge + longer / 2) / longer);
    const std::size_t rows = std::max<std::size_t>(1, (height * kHashEdge + longer / 2) / longer);
    Rgba rgba{.width = static_cast<std::uint32_t>(columns),
              .height = static_cast<std::uint32_t>(rows),
              .bytes = {}};
    rgba.bytes.reserve(columns * rows * 4);
    for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t top = row * height / rows, bottom = std::max(top + 1, (row + 1) * height / rows);
        for (std::size_t column = 0; column < columns; ++column) {
            const std::size_t left = column * width / columns,
                              right = std::max(left + 1, (column + 1) * width / columns);
            std::array<std::uint64_t, 3> sums{};
            std::uint64_t weights = 0;
            for (std::size_t y = top; y < bottom; ++y) {
                const std::uint8_t* pixel = from.data() + (y * width + left) * bands;
                for (std::size_t x = left; x < right; ++x, pixel += bands) {
                    const std::uint64_t weight = alpha ? pixel[colours] : 255;
                    for (std::size_t channel = 0; channel < 3; ++channel)
                        sums[channel] += weight * pixel[std::min(channel, colours - 1)];
                    weights += weight;
                }
            }
            for (const auto sum : sums)
                rgba.bytes.push_back(
                    static_cast<std::uint8_t>(weights == 0 ? 0 : (sum + weights / 2) / weights));
            rgba.bytes.push_back(static_cast<std::uint8_t>(weights / ((bottom - top) * (right - left))));
        }
    }
    return rgba;
}

}  // namespace photogate::imaging
