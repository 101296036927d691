#include "imaging/imager/task_marks.hpp"

#include <utility>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/strip.hpp"
#include "imaging/imager/decode.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint64_t kMaxWatermarkPixels = 16'000'000;

/// The watermark is treated like an untrusted picture: walked, stripped, decoded. Its limits are not the profile's.
tl::expected<Image, Answer> decode_watermark(BytesView bytes) {
    const auto unusable = [] {
        return tl::unexpected(
            Answer(fail(ErrorCode::invalid_configuration, "the watermark is no picture that can be read")));
    };
    const Limits limits{.max_bytes = kMaxWatermark, .max_pixels = kMaxWatermarkPixels, .max_frames = 1};
    const auto inspection = inspect(bytes, limits);
    if (!inspection || inspection->format == Format::tiff) return unusable();
    WorkBudget budget = WorkBudget::for_file(bytes.size());
    const auto bare = strip_for_decoder(bytes, *inspection, budget);
    if (!bare) return unusable();
    auto decoded = decode(
        {.bytes = *bare, .inspection = &*inspection, .limits = &limits, .max_edge = kMaxWatermarkEdge});
    if (!decoded) return unusable();
    return std::move(decoded->base);
}

}  // namespace

tl::expected<Marks, Answer> marks_of(const Task& task, const std::optional<Metadata>& metadata) {
    Marks marks;
    for (const VersionSpec& version : task.versions) {
        if (!version.watermark || !version.watermark->picture || marks.has(version.watermark->sha256))
            continue;
        auto mark = decode_watermark(*version.watermark->picture);
        if (!mark) return tl::unexpected(std::move(mark.error()));
        marks.add(version.watermark->sha256, std::move(*mark));
    }
    if (metadata) marks.taken_at(metadata->taken_at);
    return marks;
}

}  // namespace photogate::imaging
