#include "imaging/imager/dominant_color.hpp"

#include <algorithm>
#include <array>

namespace photogate::imaging {
namespace {

constexpr unsigned kBits = 3;  ///< of each channel that tell the cell

struct Cell {
    std::uint64_t weight = 0;
    std::array<std::uint64_t, 3> sums{};
};

std::size_t cell_of(const std::uint8_t* pixel) {
    std::size_t cell = 0;
    for (std::size_t channel = 0; channel < 3; ++channel)
        cell = cell << kBits | pixel[channel] >> (8 - kBits);
    return cell;
}

}  // namespace

std::string dominant_color(const Rgba& picture) {
    std::array<Cell, 1U << 3 * kBits> cells{};
    for (std::size_t at = 0; at + 4 <= picture.bytes.size(); at += 4) {
        const std::uint8_t* pixel = picture.bytes.data() + at;
        Cell& cell = cells[cell_of(pixel)];
        cell.weight += pixel[3];
        for (std::size_t channel = 0; channel < 3; ++channel)
            cell.sums[channel] += std::uint64_t{pixel[3]} * pixel[channel];
    }
    const auto fullest = std::max_element(cells.begin(), cells.end(),
                                          [](const Cell& a, const Cell& b) { return a.weight < b.weight; });
    if (fullest->weight == 0) return {};
    Bytes colour;
    for (const auto sum : fullest->sums)
        colour.push_back(static_cast<std::uint8_t>((sum + fullest->weight / 2) / fullest->weight));
    return "#" + hex_lower(colour);
}

}  // namespace photogate::imaging
