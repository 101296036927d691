#include "imaging/containers/exif_directory.hpp"

#include <algorithm>

#include "imaging/parts/text.hpp"

namespace photogate::imaging::exif {

namespace {

constexpr std::uint32_t kMaxEntries = 512;
constexpr std::uint64_t kMaxValue = 64 * 1024;
constexpr std::uint16_t kOrientation = 0x0112;

}  // namespace

std::optional<TiffHeader> tiff_header(BytesView tiff) {
    if (!starts_with(tiff, "II") && !starts_with(tiff, "MM")) return std::nullopt;
    const Endian endian = tiff[0] == 'I' ? Endian::little : Endian::big;
    ByteReader reader(tiff, endian);
    reader.skip(2);
    const std::uint16_t magic = reader.u16();
    const std::uint32_t first = reader.u32();
    if (!reader.ok() || magic != 42) return std::nullopt;
    return TiffHeader{endian, first};
}

std::optional<Directory> directory_at(BytesView tiff, Endian endian, std::uint32_t offset,
                                      WorkBudget& budget) {
    ByteReader reader(tiff, endian);
    reader.seek(offset);
    const std::uint32_t entries = reader.u16();
    if (!reader.ok() || entries > kMaxEntries) return std::nullopt;
    Directory out;
    for (std::uint32_t i = 0; i < entries; ++i) {
        Field field{reader.u16(), reader.u16(), reader.u32(), {}};
        const std::size_t inline_value = reader.position();
        const std::uint32_t pointer = reader.u32();
        if (!reader.ok()) return out;
        const std::uint64_t size = static_cast<std::uint64_t>(width_of(field.type)) * field.count;
        // Values may overlap: each is paid for, up to what is looked at of a text.
        if (!budget.charge(kEntryWork + std::min<std::uint64_t>(size, 4 * kMaxText))) return std::nullopt;
        if (size == 0 || size > kMaxValue) continue;
        field.value = slice(tiff, {size <= 4 ? inline_value : pointer, size});
        if (!field.value.empty()) out.fields.push_back(field);
    }
    const std::uint32_t next = reader.u32();
    if (reader.ok()) out.next = next;
    return out;
}

std::optional<std::uint8_t> orientation_of(const Field& field, Endian endian) {
    const std::optional<std::uint32_t> value = whole_at(field, 0, endian, 8);
    if (!value || *value == 0) return std::nullopt;
    return static_cast<std::uint8_t>(*value);
}

std::optional<std::uint8_t> orientation_in(BytesView tiff, WorkBudget& budget) {
    const std::optional<TiffHeader> header = tiff_header(tiff);
    if (!header) return std::nullopt;
    const std::optional<Directory> directory = directory_at(tiff, header->endian, header->first, budget);
    if (!directory) return std::nullopt;
    for (const Field& field : directory->fields)
        if (field.tag == kOrientation)
            if (const auto orientation = orientation_of(field, header->endian)) return orientation;
    return std::nullopt;
}

}  // namespace photogate::imaging::exif
