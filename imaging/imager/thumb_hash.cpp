#include "imaging/imager/thumb_hash.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace photogate::imaging {
namespace {

using Samples = std::vector<double>;

std::uint32_t rounded(double value) {
    return static_cast<std::uint32_t>(std::max(0.0, std::floor(value + 0.5)));
}

/// One channel's cosine transform, cut to a triangle: the mean, the other terms brought to 0…1, and their
/// scale.
struct Waves {
    double mean = 0;
    double scale = 0;
    Samples terms;
};

Waves transform(const Samples& channel, const Rgba& picture, std::uint32_t across, std::uint32_t down) {
    Waves waves;
    const std::uint32_t width = picture.width;
    const std::uint32_t height = picture.height;
    Samples along(width);
    for (std::uint32_t cy = 0; cy < down; ++cy) {
        for (std::uint32_t cx = 0; cx * down < across * (down - cy); ++cx) {
            for (std::uint32_t x = 0; x < width; ++x)
                along[x] = std::cos(std::numbers::pi / width * cx * (x + 0.5));
            double sum = 0;
            for (std::uint32_t y = 0; y < height; ++y) {
                const double vertical = std::cos(std::numbers::pi / height * cy * (y + 0.5));
                const double* row = channel.data() + static_cast<std::size_t>(y) * width;
                for (std::uint32_t x = 0; x < width; ++x)
                    sum += row[x] * along[x] * vertical;
            }
            sum /= static_cast<double>(width) * height;
            if (cx == 0 && cy == 0) {
                waves.mean = sum;
            } else {
                waves.terms.push_back(sum);
                waves.scale = std::max(waves.scale, std::abs(sum));
            }
        }
    }
    if (waves.scale > 0) {
        for (double& term : waves.terms)
            term = 0.5 + 0.5 / waves.scale * term;
    }
    return waves;
}

/// Luminance, yellow against blue, red against green, alpha; what lets through is filled with the mean
/// colour.
struct Channels {
    Samples luminance, yellow_blue, red_green, alpha;
    bool see_through = false;
};

Channels split(const Rgba& picture) {
    const std::size_t count = static_cast<std::size_t>(picture.width) * picture.height;
    double red = 0;
    double green = 0;
    double blue = 0;
    double opacity = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* pixel = picture.bytes.data() + i * 4;
        const double alpha = pixel[3] / 255.0;
        red += alpha / 255 * pixel[0];
        green += alpha / 255 * pixel[1];
        blue += alpha / 255 * pixel[2];
        opacity += alpha;
    }
    if (opacity > 0) {
        red /= opacity;
        green /= opacity;
        blue /= opacity;
    }
    Channels channels;
    channels.see_through = opacity < static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* pixel = picture.bytes.data() + i * 4;
        const double alpha = pixel[3] / 255.0;
        const double r = red * (1 - alpha) + alpha / 255 * pixel[0];
        const double g = green * (1 - alpha) + alpha / 255 * pixel[1];
        const double b = blue * (1 - alpha) + alpha / 255 * pixel[2];
        channels.luminance.push_back((r + g + b) / 3);
        channels.yellow_blue.push_back((r + g) / 2 - b);
        channels.red_green.push_back(r - g);
        channels.alpha.push_back(alpha);
    }
    return channels;
}

}  // namespace

Bytes thumb_hash(const Rgba& picture) {
    const Channels channels = split(picture);
    const double longest = std::max(picture.width, picture.height);
    const double detail = channels.see_through ? 5 : 7;
    const std::uint32_t across = std::max(1U, rounded(detail * picture.width / longest));
    const std::uint32_t down = std::max(1U, rounded(detail * picture.height / longest));
    const Waves l = transform(channels.luminance, picture, std::max(3U, across), std::max(3U, down));
    const Waves p = transform(channels.yellow_blue, picture, 3, 3);
    const Waves q = transform(channels.red_green, picture, 3, 3);
    const bool landscape = picture.width > picture.height;

    const std::uint32_t colours = rounded(63 * l.mean) | rounded(31.5 + 31.5 * p.mean) << 6 |
                                  rounded(31.5 + 31.5 * q.mean) << 12 | rounded(31 * l.scale) << 18 |
                                  (channels.see_through ? 1U : 0U) << 23;
    const std::uint32_t shape = (landscape ? down : across) | rounded(63 * p.scale) << 3 |
                                rounded(63 * q.scale) << 9 | (landscape ? 1U : 0U) << 15;
    Bytes hash;
    for (const int shift : {0, 8, 16})
        hash.push_back(static_cast<std::uint8_t>(colours >> shift));
    for (const int shift : {0, 8})
        hash.push_back(static_cast<std::uint8_t>(shape >> shift));
    Samples terms = l.terms;
    terms.insert(terms.end(), p.terms.begin(), p.terms.end());
    terms.insert(terms.end(), q.terms.begin(), q.terms.end());
    if (channels.see_through) {
        const Waves a = transform(channels.alpha, picture, 5, 5);
        hash.push_back(static_cast<std::uint8_t>(rounded(15 * a.mean) | rounded(15 * a.scale) << 4));
        terms.insert(terms.end(), a.terms.begin(), a.terms.end());
    }
    // Four bits a term, the first of a pair in the lower half.
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const auto nibble = static_cast<std::uint8_t>(std::min(15U, rounded(15 * terms[i])));
        if (i % 2 == 0) {
            hash.push_back(nibble);
        } else {
            hash.back() = static_cast<std::uint8_t>(hash.back() | nibble << 4);
        }
    }
    return hash;
}

}  // namespace photogate::imaging
