#include "imaging/parts/icc_elements.hpp"

#include <algorithm>
#include <array>

#include "imaging/byte_reader.hpp"
#include "imaging/parts/write_bytes.hpp"

namespace photogate::imaging {

namespace {

constexpr std::uint32_t kMaxSamples = 0x7FFF;  ///< of a curve
constexpr std::size_t kMaxChannels = 4;
constexpr std::array<std::size_t, 5> kParameters = {1, 3, 4, 5, 7};  ///< of parametric curves, by function

/// The signature, four reserved bytes, and `size` bytes from `body` on.
std::optional<Bytes> plain(BytesView element, std::string_view type, std::size_t size) {
    if (!starts_with(element, type) || element.size() < 8 + size) return std::nullopt;
    Bytes out(element.begin(), element.begin() + static_cast<std::ptrdiff_t>(8 + size));
    std::fill_n(out.begin() + 4, 4, std::uint8_t{0});
    return out;
}

void pad(Bytes& out) {
    out.resize((out.size() + 3) / 4 * 4, 0);
}

/// grid^inputs × outputs; 0 where that is more than any profile holds.
std::size_t cells(BytesView grid, std::size_t outputs) {
    constexpr std::size_t kMost = 4U << 20;
    std::size_t count = outputs;
    for (const std::uint8_t points : grid) {
        if (points < 1 || count > kMost / points) return 0;
        count *= points;
    }
    return count;
}

/// lut8Type and lut16Type: a matrix, input tables, a grid, output tables.
std::optional<Bytes> lut(BytesView element) {
    const bool wide = starts_with(element, "mft2");
    ByteReader reader(element);
    reader.skip(8);
    const std::size_t inputs = reader.u8();
    const std::size_t outputs = reader.u8();
    const std::uint8_t points = reader.u8();
    reader.seek(48);
    const std::size_t input_entries = wide ? reader.u16() : 256;
    const std::size_t output_entries = wide ? reader.u16() : 256;
    if (!reader.ok() || inputs < 1 || inputs > kMaxChannels || outputs < 1 || outputs > kMaxChannels)
        return std::nullopt;
    const Bytes grid(inputs, points);
    const std::size_t count = cells(grid, outputs);
    if (count == 0) return std::nullopt;
    const std::size_t values = inputs * input_entries + count + outputs * output_entries;
    auto out = plain(element, wide ? "mft2" : "mft1", (wide ? 44 : 40) + values * (wide ? 2 : 1));
    if (out) (*out)[11] = 0;
    return out;
}

/// `count` curves one behind the other, each on a multiple of four.
bool add_curves(BytesView element, std::size_t offset, std::size_t count, Bytes& out) {
    for (std::size_t i = 0; i < count; ++i) {
        if (offset > element.size()) return false;
        const auto curve = exact_curve(element.subspan(offset));
        if (!curve) return false;
        append(out, *curve);
        pad(out);
        offset += (curve->size() + 3) / 4 * 4;
    }
    return true;
}

bool add_grid(BytesView element, std::size_t offset, std::size_t inputs, std::size_t outputs, Bytes& out) {
    ByteReader reader(element);
    reader.seek(offset);
    const BytesView grid = reader.take(16);
    const std::size_t width = reader.u8();
    reader.skip(3);
    if (!reader.ok() || (width != 1 && width != 2)) return false;
    const std::size_t count = cells(grid.first(inputs), outputs);
    const BytesView values = reader.take(count * width);
    if (count == 0 || !reader.ok()) return false;
    append(out, grid.first(inputs));
    out.insert(out.end(), 16 - inputs, 0);
    out.insert(out.end(), {static_cast<std::uint8_t>(width), 0, 0, 0});
    append(out, values);
    pad(out);
    return true;
}

void set_u32(Bytes& out, std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i)
        out[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

/// lutAToBType and lutBToAType: up to five parts at offsets of their own.
std::optional<Bytes> multi(BytesView element) {
    const bool to_pcs = starts_with(element, "mAB ");
    ByteReader reader(element);
    reader.skip(8);
    const std::size_t inputs = reader.u8();
    const std::size_t outputs = reader.u8();
    reader.skip(2);
    std::array<std::size_t, 5> offsets{};  // B curves, matrix, M curves, grid, A curves
    for (std::size_t& offset : offsets)
        offset = reader.u32();
    if (!reader.ok() || inputs < 1 || inputs > kMaxChannels || outputs < 1 || outputs > kMaxChannels ||
        offsets[0] == 0)
        return std::nullopt;
    const std::size_t pcs_side = to_pcs ? outputs : inputs;
    const std::size_t device_side = to_pcs ? inputs : outputs;
    Bytes out(32, 0);
    std::copy_n(element.begin(), 4, out.begin());
    out[8] = element[8];
    out[9] = element[9];
    for (std::size_t part = 0; part < offsets.size(); ++part) {
        if (offsets[part] == 0) continue;
        set_u32(out, 12 + 4 * part, out.size());
        bool sound = false;
        if (part == 1) {
            const BytesView matrix = slice(element, {offsets[part], 48});
            sound = !matrix.empty();
            append(out, matrix);
        } else if (part == 3) {
            sound = add_grid(element, offsets[part], inputs, outputs, out);
        } else {
            sound = add_curves(element, offsets[part], part == 4 ? device_side : pcs_side, out);
        }
        if (!sound) return std::nullopt;
    }
    return out;
}

}  // namespace

void put_u32(Bytes& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::optional<Bytes> exact_xyz(BytesView element) {
    return plain(element, "XYZ ", 12);
}

std::optional<Bytes> exact_matrix(BytesView element) {
    return plain(element, "sf32", 36);
}

std::optional<Bytes> exact_code_points(BytesView element) {
    return plain(element, "cicp", 4);
}

std::optional<Bytes> exact_curve(BytesView element) {
    ByteReader reader(element);
    reader.seek(8);
    if (starts_with(element, "curv")) {
        const std::uint32_t count = reader.u32();
        if (!reader.ok() || count > kMaxSamples) return std::nullopt;
        return plain(element, "curv", 4 + 2 * static_cast<std::size_t>(count));
    }
    const std::uint16_t function = reader.u16();
    if (!reader.ok() || function >= kParameters.size()) return std::nullopt;
    auto out = plain(element, "para", 4 + 4 * kParameters[function]);
    if (out) (*out)[10] = (*out)[11] = 0;
    return out;
}

std::optional<Bytes> exact_table(BytesView element) {
    if (starts_with(element, "mft1") || starts_with(element, "mft2")) return lut(element);
    if (starts_with(element, "mAB ") || starts_with(element, "mBA ")) return multi(element);
    return std::nullopt;
}

}  // namespace photogate::imaging
