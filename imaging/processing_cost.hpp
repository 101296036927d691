// What a picture costs to process, estimated from its header: memory and time of decoding and encoding.
//
// The figures are measured on one core of a 2.6 GHz EPYC with noisy photos and rounded up (bench/README.md).
// They decide which pictures the limits accept: a task has `Limits::max_memory` and `Limits::max_work`, which
// follow from `imaging.address_space` and `imaging.wall_clock`. JPEG is shrunk while it is decoded and PNG and
// WebP are read row by row, so the size of the raster does not matter to them; HEIC and AVIF are decoded as a
// whole. Thread safety: pure functions.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/words.hpp"
#include "imaging/format.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {

/// Address space of a worker process that no picture can use: libraries, stacks, arenas.
inline constexpr ByteSize kImagerOverhead = 320ULL << 20;
/// A core that is so many times slower than the reference still meets `imaging.wall_clock`.
inline constexpr int kSlowestCore = 3;

/// What is estimated to take less is left to the clock, however short that is.
inline constexpr std::chrono::milliseconds kShortestWork{2'000};

/// What a header says.
struct PictureShape {
    Format format = Format::jpeg;
    std::uint64_t pixels = 0;        ///< of one frame
    std::uint64_t total_pixels = 0;  ///< of all frames
    std::uint32_t channels = 3;
    std::uint32_t bits = 8;    ///< of a channel
    bool progressive = false;  ///< or interlaced
};

struct Cost {
    std::uint64_t memory = 0;  ///< bytes at the most
    std::chrono::milliseconds time{0};
};

/// Of reading every frame.
Cost decoding_cost(const PictureShape& shape);

/// Of one still of that many pixels.
Cost encoding_cost(Format format, std::uint64_t pixels);
/// Of an animation whose frames have that many pixels together.
std::chrono::milliseconds animation_time(Format format, std::uint64_t total_pixels);
/// Of laying a watermark over frames of that many pixels each. Reading its picture is decoding.
Cost marking_cost(const Watermark& watermark, std::uint64_t pixels, std::uint32_t frames);

/// What one task may use in a worker process of that address space and clock.
ByteSize usable_memory(ByteSize address_space);
std::chrono::milliseconds usable_time(std::chrono::milliseconds wall_clock);

/// The most pixels of an ordinary still (8 bit, three channels, not interlaced) of that format that can be
/// decoded within those bounds, whatever a profile allows.
std::uint64_t reachable_pixels(Format format, ByteSize max_memory, std::chrono::milliseconds max_work);

}  // namespace photogate::imaging
