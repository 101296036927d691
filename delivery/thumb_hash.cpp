#include "delivery/thumb_hash.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include <zlib.h>

namespace photogate::delivery {
namespace {

constexpr std::size_t kMostTerms = 7;  ///< in one direction
/// Quantisation greys the colours; the format's own decoder gives them this much back.
constexpr double kSaturation = 1.25;

/// One channel: its mean, and the terms of a triangle of across × down without the first.
struct Waves {
    double mean = 0;
    std::size_t across = 0;
    std::size_t down = 0;
    std::vector<double> terms;
};

/// Four bits a term, the first of a pair in the lower half.
class Nibbles {
  public:
    explicit Nibbles(BytesView bytes) : bytes_(bytes) {}
    bool read(Waves& into, double scale) {
        for (std::size_t cy = 0; cy < into.down; ++cy) {
            for (std::size_t cx = cy == 0 ? 1 : 0; cx * into.down < into.across * (into.down - cy); ++cx) {
                if (next_ / 2 >= bytes_.size()) return false;
                const int nibble = bytes_[next_ / 2] >> (next_ % 2 * 4) & 15;
                into.terms.push_back((nibble / 7.5 - 1) * scale);
                ++next_;
            }
        }
        return true;
    }

  private:
    BytesView bytes_;
    std::size_t next_ = 0;
};

struct Channels {
    Waves luminance, yellow_blue, red_green, alpha;
    bool see_through = false;
};

std::optional<Channels> read_channels(BytesView hash) {
    if (hash.size() < 6) return std::nullopt;
    const std::uint32_t colours = hash[0] | hash[1] << 8U | hash[2] << 16U;
    const std::uint32_t shape = hash[3] | hash[4] << 8U;
    Channels channels;
    channels.see_through = (colours >> 23) != 0;
    const bool landscape = (shape >> 15) != 0;
    const std::size_t longer = channels.see_through ? 5 : 7;
    const std::size_t shorter = shape & 7;
    channels.luminance = {.mean = (colours & 63) / 63.0,
                          .across = std::max<std::size_t>(3, landscape ? longer : shorter),
                          .down = std::max<std::size_t>(3, landscape ? shorter : longer),
                          .terms = {}};
    channels.yellow_blue = {.mean = (colours >> 6 & 63) / 31.5 - 1, .across = 3, .down = 3, .terms = {}};
    channels.red_green = {.mean = (colours >> 12 & 63) / 31.5 - 1, .across = 3, .down = 3, .terms = {}};
    channels.alpha = {.mean = 1, .across = 5, .down = 5, .terms = {}};
    Nibbles nibbles(hash.subspan(channels.see_through ? 6 : 5));
    if (!nibbles.read(channels.luminance, (colours >> 18 & 31) / 31.0) ||
        !nibbles.read(channels.yellow_blue, (shape >> 3 & 63) / 63.0 * kSaturation) ||
        !nibbles.read(channels.red_green, (shape >> 9 & 63) / 63.0 * kSaturation))
        return std::nullopt;
    if (!channels.see_through) return channels;
    channels.alpha.mean = (hash[5] & 15) / 15.0;
    if (!nibbles.read(channels.alpha, (hash[5] >> 4) / 15.0)) return std::nullopt;
    return channels;
}

using Cosines = std::array<double, kMostTerms>;

Cosines cosines_at(std::uint32_t pixel, std::uint32_t size) {
    Cosines at{};
    for (std::size_t term = 0; term < at.size(); ++term)
        at[term] = std::cos(std::numbers::pi / size * (pixel + 0.5) * static_cast<double>(term));
    return at;
}

double value_at(const Waves& waves, const Cosines& x, const Cosines& y) {
    double value = waves.mean;
    std::size_t term = 0;
    for (std::size_t cy = 0; cy < waves.down && term < waves.terms.size(); ++cy) {
        for (std::size_t cx = cy == 0 ? 1 : 0; cx * waves.down < waves.across * (waves.down - cy); ++cx)
            value += waves.terms[term++] * x[cx] * y[cy] * 2;
    }
    return value;
}

std::uint8_t to_byte(double value) {
    return static_cast<std::uint8_t>(std::max(0.0, 255 * std::min(1.0, value)));
}

void put_number(std::string& into, std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0})
        into.push_back(static_cast<char>(number >> shift));
}

void put_chunk(std::string& into, std::string_view type, std::string_view data) {
    put_number(into, static_cast<std::uint32_t>(data.size()));
    const std::size_t start = into.size();
    into.append(type).append(data);
    put_number(into, static_cast<std::uint32_t>(::crc32_z(
                         0, reinterpret_cast<const Bytef*>(into.data() + start), into.size() - start)));
}

std::string deflated(const std::string& raw) {
    uLongf size = ::compressBound(static_cast<uLong>(raw.size()));
    std::string out(size, '\0');
    if (::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                    static_cast<uLong>(raw.size()), Z_BEST_COMPRESSION) != Z_OK)
        throw std::runtime_error("zlib has no memory for a placeholder");
    out.resize(size);
    return out;
}

}  // namespace

std::optional<TinyPicture> decode_thumb_hash(BytesView hash, std::uint32_t width, std::uint32_t height) {
    const auto channels = read_channels(hash);
    if (!channels || width == 0 || height == 0) return std::nullopt;
    const std::uint64_t longer = std::max(width, height);
    const auto side = [&](std::uint64_t size) {
        return std::max(1U, static_cast<std::uint32_t>((size * kMostPlaceholderEdge + longer / 2) / longer));
    };
    TinyPicture picture{.width = side(width), .height = side(height), .rgba = {}};
    std::vector<Cosines> columns;
    for (std::uint32_t x = 0; x < picture.width; ++x)
        columns.push_back(cosines_at(x, picture.width));
    picture.rgba.reserve(std::size_t{picture.width} * picture.height * 4);
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        const auto row = cosines_at(y, picture.height);
        for (const auto& column : columns) {
            const double l = value_at(channels->luminance, column, row);
            const double p = value_at(channels->yellow_blue, column, row);
            const double q = value_at(channels->red_green, column, row);
            const double blue = l - 2.0 / 3.0 * p;
            const double red = (3 * l - blue + q) / 2;
            for (const double value : {red, red - q, blue, value_at(channels->alpha, column, row)})
                picture.rgba.push_back(to_byte(value));
        }
    }
    return picture;
}

std::string to_png(const TinyPicture& picture) {
    bool opaque = true;
    for (std::size_t at = 3; at < picture.rgba.size(); at += 4)
        opaque = opaque && picture.rgba[at] == 255;
    const std::size_t bands = opaque ? 3 : 4;
    std::string rows;
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        rows.push_back(0);  // no filter
        for (std::uint32_t x = 0; x < picture.width; ++x) {
            const auto* pixel = picture.rgba.data() + (std::size_t{y} * picture.width + x) * 4;
            rows.append(reinterpret_cast<const char*>(pixel), bands);
        }
    }
    std::string header;
    put_number(header, picture.width);
    put_number(header, picture.height);
    header +=
        {8, static_cast<char>(opaque ? 2 : 6), 0, 0, 0};  // 8 bits; truecolour, without alpha or with it
    std::string png{"\x89PNG\r\n\x1a\n"};
    put_chunk(png, "IHDR", header);
    put_chunk(png, "IDAT", deflated(rows));
    put_chunk(png, "IEND", {});
    return png;
}

}  // namespace photogate::delivery
