#include "imaging/containers/inspect.hpp"

#include <array>

#include "imaging/containers/sniff.hpp"
#include "imaging/containers/walk.hpp"

namespace photogate::imaging {

namespace walk {

bool State::check_size(std::uint64_t width, std::uint64_t height) {
    if (width == 0 || height == 0) return corrupt("A picture without width or height.");
    if (width > limits.max_side || height > limits.max_side)
        return reject(RejectionCode::too_many_pixels,
                      "A side is longer than " + std::to_string(limits.max_side) + " pixels.");
    if (width * height > limits.max_pixels)
        return reject(RejectionCode::too_many_pixels,
                      "The picture has more than " + std::to_string(limits.max_pixels) + " pixels.");
    return true;
}

bool State::set_size(std::uint64_t width, std::uint64_t height) {
    if (!check_size(width, height)) return false;
    found.width = static_cast<std::uint32_t>(width);
    found.height = static_cast<std::uint32_t>(height);
    return true;
}

bool State::check_raster() {
    const std::uint64_t bits =
        static_cast<std::uint64_t>(found.channels) * (found.bits_per_channel > 8 ? 16 : 8);
    if (static_cast<std::uint64_t>(found.width) * found.height * bits / 8 > kMaxRasterBytes)
        return reject(RejectionCode::too_many_pixels, "The picture would take too much memory at its depth.");
    return true;
}

bool State::add_frame(std::uint64_t pixels) {
    ++found.frames;
    found.total_pixels += pixels;
    if (found.frames > limits.max_frames)
        return reject(RejectionCode::too_many_frames,
                      "More than " + std::to_string(limits.max_frames) + " frames.");
    if (found.total_pixels > limits.max_total_pixels)
        return reject(
            RejectionCode::too_many_pixels,
            "All frames together have more than " + std::to_string(limits.max_total_pixels) + " pixels.");
    return true;
}

bool State::add_metadata(std::uint64_t bytes) {
    ++found.metadata_blocks;
    found.metadata_bytes += bytes;
    if (found.metadata_blocks > limits.max_metadata_blocks || found.metadata_bytes > limits.max_metadata)
        return reject(RejectionCode::metadata_too_large, "The file carries too much metadata.");
    return true;
}

void State::add_carrier(CarrierKind kind, ByteRange range, CarrierCoding coding) {
    found.carriers.push_back(Carrier{kind, range, coding});
    if (kind == CarrierKind::icc) found.has_icc = true;
}

void State::set_orientation(std::uint8_t orientation) {
    found.orientation = orientation;
    found.turned_sideways = orientation >= 5;
}

Walked State::finish() {
    if (fault) return tl::unexpected<Rejection>(std::move(*fault));
    return std::move(found);
}

std::uint8_t exif_orientation(BytesView tiff) {
    constexpr std::uint32_t kMaxEntries = 512;
    if (!starts_with(tiff, "II") && !starts_with(tiff, "MM")) return 1;
    ByteReader reader(tiff, tiff[0] == 'I' ? Endian::little : Endian::big);
    reader.skip(2);
    if (reader.u16() != 42) return 1;
    reader.seek(reader.u32());
    const std::uint32_t entries = reader.u16();
    for (std::uint32_t i = 0; reader.ok() && i < entries && i < kMaxEntries; ++i) {
        const std::uint16_t tag = reader.u16();
        const std::uint16_t type = reader.u16();
        const std::uint32_t count = reader.u32();
        const std::uint16_t value = reader.u16();
        reader.skip(2);
        if (!reader.ok()) return 1;
        if (tag != 0x0112) continue;
        return type == 3 && count == 1 && value >= 1 && value <= 8 ? static_cast<std::uint8_t>(value) : 1;
    }
    return 1;
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
        Rejection{RejectionCode::unsupported_format, "Not a format that is taken."});
}

}  // namespace

tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits, WorkBudget& budget) {
    if (file.size() > limits.max_bytes)
        return tl::unexpected<Rejection>(
            Rejection{RejectionCode::too_large,
                      "The file is larger than " + std::to_string(limits.max_bytes) + " bytes."});
    const tl::expected<Format, Rejection> format =
        admit(file, {.declared_type = std::nullopt, .accepted = kAllFormats});
    if (!format) return tl::unexpected<Rejection>(format.error());
    return walk_format(file, limits, budget, *format);
}

tl::expected<Inspection, Rejection> inspect(BytesView file, const Limits& limits) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    return inspect(file, limits, budget);
}

}  // namespace photogate::imaging
