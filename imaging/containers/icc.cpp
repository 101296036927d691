#include "imaging/containers/icc.hpp"

#include <array>
#include <cmath>
#include <string_view>

namespace photogate::imaging {

namespace {

constexpr std::size_t kHeader = 128;
constexpr std::uint32_t kMaxTags = 100;

bool suits(std::string_view space, ColourModel colour) {
    switch (colour) {
        case ColourModel::grey:
            return space == "GRAY";
        case ColourModel::rgb:
            return space == "RGB ";
        case ColourModel::cmyk:
            return space == "CMYK";
        case ColourModel::other:
            return false;
    }
    return false;
}

}  // namespace

bool is_sane_icc(BytesView profile, ColourModel colour) {
    const std::size_t largest = (colour == ColourModel::cmyk ? 4U : 1U) << 20;
    const std::size_t size = stated_icc_size(profile);
    if (size > profile.size() || size > largest) return false;
    profile = profile.first(size);
    ByteReader reader(profile);
    reader.seek(16);
    const std::string_view space = reader.text(4);
    reader.seek(36);
    const std::string_view signature = reader.text(4);
    reader.seek(kHeader);
    const std::uint32_t tags = reader.u32();
    if (!reader.ok() || signature != "acsp" || tags > kMaxTags || !suits(space, colour)) return false;
    for (std::uint32_t i = 0; i < tags; ++i) {
        reader.skip(4);
        const std::uint64_t offset = reader.u32();
        const std::uint64_t length = reader.u32();
        if (!reader.ok() || !fits({offset, length}, profile.size())) return false;
    }
    return true;
}

Bytes publishable_icc(BytesView profile, ColourModel colour) {
    if (!is_sane_icc(profile, colour)) return {};
    profile = profile.first(stated_icc_size(profile));
    if (auto rebuilt = rebuild_icc(profile)) return std::move(*rebuilt);
    return converts_colours(profile) ? Bytes(profile.begin(), profile.end()) : Bytes{};
}

bool is_wide_icc(BytesView profile) {
    constexpr double kSrgbArea = 0.1091;  ///< of its colorants as profiles have them, adapted to D50
    constexpr double kWide = 1.1;
    if (!is_sane_icc(profile, ColourModel::rgb)) return false;
    std::array<double, 3> x{};
    std::array<double, 3> y{};
    constexpr std::array<std::string_view, 3> kColorants = {"rXYZ", "gXYZ", "bXYZ"};
    for (std::size_t i = 0; i < kColorants.size(); ++i) {
        const auto xyz = icc_xyz(profile, kColorants[i]);
        const double sum = xyz ? (*xyz)[0] + (*xyz)[1] + (*xyz)[2] : 0;
        if (sum <= 0) return false;
        x[i] = (*xyz)[0] / sum;
        y[i] = (*xyz)[1] / sum;
    }
    const double area = std::abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])) / 2;
    return area > kWide * kSrgbArea;
}

}  // namespace photogate::imaging
