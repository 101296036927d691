#include "imaging/containers/inspect.hpp"

#include <algorithm>

#include "imaging/containers/carrier_bytes.hpp"
#include "imaging/containers/exif_directory.hpp"
#include "imaging/containers/sniff.hpp"
#include "imaging/containers/walk.hpp"
#include "imaging/processing_cost.hpp"

namespace photogate::imaging {

namespace walk {

bool State::check_size(std::uint64_t width, std::uint64_t height) {
    if (width == 0 || height == 0) return corrupt("a picture without width or height");
    if (width > limits.max_side || height > limits.max_side)
        return reject(RejectionCode::too_many_pixels,
                      "a side is longer than " + std::to_string(limits.max_side) + " pixels");
    if (width * height > limits.max_pixels)
        return reject(RejectionCode::too_many_pixels,
                      "the picture has more than " + std::to_string(limits.max_pixels) + " pixels");
    return true;
}

bool State::set_size(std::uint64_t width, std::uint64_t height) {
    if (!check_size(width, height)) return false;
    found.width = static_cast<std::uint32_t>(width);
    found.height = static_cast<std::uint32_t>(height);
    return true;
}

bool State::check_raster() {
    if (decoding_cost(shape_of(found)).memory > limits.max_memory)
        return reject(RejectionCode::too_many_pixels, "the picture would take too much memory at its depth");
    return true;
}

bool State::add_frame(std::uint64_t pixels) {
    ++found.frames;
    found.total_pixels += pixels;
    if (found.frames > limits.max_frames)
        return reject(RejectionCode::too_many_frames,
                      "more than " + std::to_string(limits.max_frames) + " frames");
    if (found.total_pixels > limits.max_total_pixels)
        return reject(
            RejectionCode::too_many_pixels,
            "all frames together have more than " + std::to_string(limits.max_total_pixels) + " pixels");
    return true;
}

bool State::add_metadata(std::uint64_t bytes) {
    ++found.metadata_blocks;
    found.metadata_bytes += bytes;
    const bool too_many =
        limits.max_metadata_blocks != 0 && found.metadata_blocks > limits.max_metadata_blocks;
    const bool too_much = limits.max_metadata != 0 && found.metadata_bytes > limits.max_metadata;
    return !(too_many || too_much) ||
           reject(RejectionCode::metadata_too_large, "the file carries too much metadata");
}

void State::add_carrier(CarrierKind kind, ByteRange range, CarrierCoding coding) {
    const auto index = static_cast<std::size_t>(kind);
    found.carrier_kinds |= 1U << index;
    if (kind == CarrierKind::icc) found.has_icc = true;
    if (listed.at(index)++ < kMaxCarriers) found.carriers.push_back(Carrier{kind, range, coding, {}});
}

void State::continue_carrier(CarrierKind kind, ByteRange range) {
    const auto last = std::find_if(found.carriers.rbegin(), found.carriers.rend(),
                                   [&](const Carrier& carrier) { return carrier.kind == kind; });
    if (last != found.carriers.rend() && last->further.size() < kMaxCarriers) last->further.push_back(range);
}

Walked State::finish() {
    if (fault) return tl::unexpected<Rejection>(std::move(*fault));
    return std::move(found);
}

}  // namespace walk

namespace {

walk::Walked walk_format(BytesView file, const Limits& limits, WorkBudget& budget, Format format) {
    switch (format) {
        case Format::jpeg:
            return walk::jpeg(file, limits, budget);
        case Format::png:
            return walk::png(file, limits, budget);
        case Format::webp:
            return walk::webp(file, limits, budget);
        case Format::gif:
            return walk::gif(file, limits, budget);
        case Format::heic:
        case Format::avif:
            return walk::bmff(file, limits, budget, format);
        case Format::tiff:
            return walk::tiff(file, limits, budget);
    }
    return tl::unexpected<Rejection>(
        Rejection{RejectionCode::unsupported_format, "not a format that is taken"});
}

/// The one place where Exif turns a picture, whatever its container.
void orient(BytesView file, WorkBudget& budget, Inspection& found) {
    if (found.format == Format::heic || found.format == Format::avif) return;
    for (const Carrier& carrier : found.carriers) {
        if (carrier.kind != CarrierKind::exif || carrier.coding != CarrierCoding::plain) continue;
        Bytes storage;
        const std::optional<BytesView> tiff = carried_bytes(file, carrier, storage, budget);
        const auto orientation = tiff ? exif::orientation_in(*tiff, budget) : std::nullopt;
        if (!orientation) continue;
        found.orientation = *orientation;
        found.turned_sideways = *orientation >= 5;
        return;
    }
}

}  // namespace

PictureShape shape_of(const Inspection& inspection) {
    return {.format = inspection.format,
            .pixels = static_cast<std::uint64_t>(inspection.width) * inspection.height,
            .total_pixels = inspection.total_pixels,
            .channels = inspection.channels,
            .bits = inspection.bits_per_channel,
            .progressive = inspection.progressive};
}

tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits, WorkBudget& budget) {
    if (file.size() > limits.max_bytes)
        return tl::unexpected<Rejection>(
            Rejection{RejectionCode::too_large,
                      "the file is larger than " + std::to_string(limits.max_bytes) + " bytes"});
    const tl::expected<Format, Rejection> format =
        admit(file, {.declared_type = std::nullopt, .accepted = kAllFormats});
    if (!format) return tl::unexpected<Rejection>(format.error());
    auto found = walk_format(file, limits, budget, *format);
    if (found) orient(file, budget, *found);
    return found;
}

tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    return inspect(file, limits, budget);
}

}  // namespace photogate::imaging
