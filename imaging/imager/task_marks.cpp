#include "imaging/imager/task_marks.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/strip.hpp"
#include "imaging/imager/decode.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint64_t kMaxWatermarkPixels = 16'000'000;

Limits limits_of_marks() {
    return {.max_bytes = kMaxWatermark, .max_pixels = kMaxWatermarkPixels, .max_frames = 1};
}

/// The watermark is treated like an untrusted picture: walked, stripped, decoded. Its limits are not the profile's.
tl::expected<Image, Answer> decode_watermark(BytesView bytes) {
    const auto unusable = [] {
        return tl::unexpected(
            Answer(fail(ErrorCode::invalid_configuration, "the watermark is no picture that can be read")));
    };
    const Limits limits = limits_of_marks();
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

Cost reading_cost_of_marks(const Task& task) {
    Cost sum;
    std::set<std::string_view> known;
    for (const VersionSpec& version : task.versions) {
        if (!version.watermark || !version.watermark->picture ||
            !known.insert(version.watermark->sha256).second)
            continue;
        const auto inspection = inspect(*version.watermark->picture, limits_of_marks());
        if (!inspection) continue;
        const Cost cost = decoding_cost(shape_of(*inspection));
        sum.time += cost.time;
        sum.memory = std::max(sum.memory, cost.memory);
    }
    return sum;
}

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
