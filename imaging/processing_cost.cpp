#include "imaging/processing_cost.hpp"

#include <algorithm>

namespace photogate::imaging {
namespace {

/// The rate that stands for each format: bytes and nanoseconds for a pixel.
struct Rates {
    double memory = 0;
    double time = 0;
};

Rates decoding_rates(const PictureShape& shape) {
    const bool deep = shape.bits > 8;
    const double sample_bytes = std::max(1U, shape.bits / 8);
    const double raster = shape.channels * sample_bytes;
    switch (shape.format) {
        case Format::jpeg:
            // A progressive one keeps its coefficients, two bytes each.
            return shape.progressive ? Rates{2.0 * shape.channels, 25} : Rates{0, 12};
        case Format::png:
            return {shape.progressive ? 2 * raster : 0, 10 * std::max(1.0, raster) / (deep ? 2 : 1)};
        case Format::webp:
            return {8, 25};
        case Format::gif:
            return {12, 20};
        case Format::heic:
            return {deep ? 12.0 : 6.0, deep ? 95.0 : 60.0};
        case Format::avif:
            return {deep ? 14.0 : 8.0, deep ? 95.0 : 60.0};
        case Format::tiff:
            return {raster, 15};
    }
    return {};
}

std::uint64_t times(double rate, std::uint64_t pixels) {
    return static_cast<std::uint64_t>(rate * static_cast<double>(pixels));
}

std::chrono::milliseconds taken(double nanoseconds, std::uint64_t pixels) {
    return std::chrono::milliseconds(times(nanoseconds / 1e6, pixels));
}

}  // namespace

Cost decoding_cost(const PictureShape& shape) {
    const Rates rates = decoding_rates(shape);
    return {.memory = times(rates.memory, shape.pixels),
            .time = taken(rates.time, std::max(shape.pixels, shape.total_pixels))};
}

Cost encoding_cost(Format format, std::uint64_t pixels) {
    // The picture, its upright copy, the encoder's own.
    constexpr double kCopies = 12;
    double time = 0;
    switch (format) {
        case Format::jpeg:
            time = 40;
            break;
        case Format::webp:
        case Format::png:
        case Format::gif:
            time = 250;
            break;
        case Format::avif:
            time = 600;
            break;
        case Format::heic:
        case Format::tiff:
            break;
    }
    return {.memory = times(kCopies, pixels), .time = taken(time, pixels)};
}

std::chrono::milliseconds animation_time(Format format, std::uint64_t total_pixels) {
    return taken(format == Format::gif ? 280 : 50, total_pixels);
}

Cost marking_cost(const Watermark& watermark, std::uint64_t pixels, std::uint32_t frames) {
    // The picture again, the layer over it, what is blended of both.
    constexpr double kCopies = 16;
    constexpr double kTime = 60;
    const double edge = watermark.tiling == Tiling::tiled ? 1 : watermark.size / 100.0;
    return {.memory = times(kCopies, pixels), .time = taken(kTime * edge * edge, pixels * frames)};
}

ByteSize usable_memory(ByteSize address_space) {
    return address_space > kImagerOverhead ? address_space - kImagerOverhead : 0;
}

std::chrono::milliseconds usable_time(std::chrono::milliseconds wall_clock) {
    return std::max(wall_clock / kSlowestCore, kShortestWork);
}

std::uint64_t reachable_pixels(Format format, ByteSize max_memory, std::chrono::milliseconds max_work) {
    const Rates rates = decoding_rates({.format = format});
    constexpr std::uint64_t kUnbounded = 1'000'000'000;  ///< the largest max_pixels
    double most = static_cast<double>(kUnbounded);
    if (rates.memory > 0) most = std::min(most, static_cast<double>(max_memory) / rates.memory);
    if (rates.time > 0) most = std::min(most, static_cast<double>(max_work.count()) * 1e6 / rates.time);
    return static_cast<std::uint64_t>(most);
}

}  // namespace photogate::imaging
