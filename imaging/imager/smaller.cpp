#include "imaging/imager/smaller.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "imaging/processing_cost.hpp"

namespace photogate::imaging {
namespace {

constexpr int kLowestQuality = 30;
/// WebP at this quality looks like JPEG at kLowestQuality.
constexpr int kLowestWebpQuality = 20;
constexpr int kQualityStep = 12;
constexpr int kAnimationStep = 25;
/// Of the bytes that a lossy encoding loses with each step of quality, more than photos do.
constexpr double kLossPerQuality = 0.025;

/// ITU T.81, table K.1, whose sum is what scaled tables are compared by.
constexpr std::array<int, 64> kLuminance = {
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99};

int sum_at(int quality) {
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    int sum = 0;
    for (const int value : kLuminance)
        sum += std::clamp((value * scale + 50) / 100, 1, 255);
    return sum;
}

/// The sum of table 0 in the body of a DQT segment.
std::optional<int> luminance_sum(BytesView body) {
    ByteReader reader(body);
    while (reader.ok() && !reader.at_end()) {
        const std::uint8_t head = reader.u8();
        const std::size_t width = (head >> 4) == 0 ? 1 : 2;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < kLuminance.size(); ++i)
            sum += reader.number(width);
        if (reader.ok() && (head & 15U) == 0) return static_cast<int>(sum);
    }
    return std::nullopt;
}

bool is_lossless(Format format) {
    return format == Format::png || format == Format::gif;
}

/// Denser than JPEG, so that the same picture as JPEG needs more bytes.
bool is_dense(Format format) {
    return format == Format::webp || format == Format::heic || format == Format::avif;
}

}  // namespace

std::optional<int> jpeg_quality(BytesView jpeg) {
    ByteReader reader(jpeg);
    reader.skip(2);
    while (reader.ok()) {
        if (reader.u8() != 0xFF) return std::nullopt;
        const std::uint8_t marker = reader.u8();
        if (marker == 0xFF) continue;
        const std::uint16_t length = reader.u16();
        if (marker == 0xDA || length < 2) return std::nullopt;
        const BytesView body = reader.take(length - 2U);
        if (marker != 0xDB) continue;
        const auto sum = luminance_sum(body);
        if (!sum) continue;
        int quality = 1;
        while (quality < 100 && sum_at(quality) > *sum)
            ++quality;
        return quality;
    }
    return std::nullopt;
}

std::vector<Encoding> smaller_encodings(const VersionSpec& version, const Inspection& inspection,
                                        const Encoding& first, std::optional<int> source_quality) {
    std::vector<Encoding> plan;
    const bool free = !version.format;
    const auto add = [&](Format format, int quality) {
        plan.push_back({.format = format, .quality = std::max(quality, 1)});
    };
    const auto add_lossless_webp = [&] {
        plan.push_back({.format = Format::webp, .loss = Encoding::Loss::lossless, .quality = first.quality});
    };
    if (is_lossless(inspection.format)) {
        if (free && first.format != Format::png) add(Format::png, first.quality);
        if (free || first.format == Format::webp) add_lossless_webp();
    }
    if (is_lossless(first.format)) return plan;
    Format format = first.format;
    if (free && is_dense(inspection.format) && format == Format::jpeg)
        add(format = Format::webp, first.quality);
    int quality = first.quality - kQualityStep;
    if (source_quality) quality = std::min(first.quality, *source_quality);
    const int lowest = format == Format::webp ? kLowestWebpQuality : kLowestQuality;
    for (; quality > lowest; quality -= kQualityStep)
        add(format, quality);
    add(format, std::min(lowest, first.quality));
    return plan;
}

bool may_fit(const Encoding& next, const Encoding& before, std::size_t size, std::size_t wanted) {
    if (next.format != before.format || next.loss != before.loss || next.quality >= before.quality)
        return true;
    return static_cast<double>(size) * std::exp(kLossPerQuality * (next.quality - before.quality)) <=
           static_cast<double>(wanted);
}

Attempts::Attempts(std::vector<Encoding> plan, std::uint64_t pixels, std::size_t wanted,
                   std::chrono::milliseconds time)
    : plan_(std::move(plan)), pixels_(pixels), wanted_(wanted), left_(time) {
    for (const Encoding& how : plan_)
        rest_ += time_of(how);
}

std::chrono::milliseconds Attempts::time_of(const Encoding& how) const {
    return encoding_cost(how.format, pixels_).time;
}

std::optional<Encoding> Attempts::next(const Encoding& before, std::size_t size) {
    while (at_ < plan_.size()) {
        const Encoding& how = plan_[at_++];
        const bool all_in_time = rest_ <= left_;
        const bool is_last = at_ == plan_.size();
        rest_ -= time_of(how);
        const bool in_time = is_last || time_of(how) + time_of(plan_.back()) <= left_;
        if (!all_in_time && !is_last && (!in_time || !may_fit(how, before, size, wanted_))) continue;
        left_ -= time_of(how);
        return how;
    }
    return std::nullopt;
}

std::vector<Encoding> smaller_animations(const VersionSpec& version, const Encoding& first,
                                         std::size_t attempts) {
    std::vector<Encoding> plan;
    if (first.format != Format::webp || attempts == 0) return plan;
    if (attempts >= 3 && (!version.format || *version.format == Format::webp))
        plan.push_back({.format = Format::webp, .loss = Encoding::Loss::lossless, .quality = first.quality});
    if (attempts >= 2)
        plan.push_back({.format = first.format, .quality = std::max(1, first.quality - kAnimationStep)});
    plan.push_back({.format = first.format, .quality = std::min(kLowestQuality, first.quality)});
    return plan;
}

}  // namespace photogate::imaging
