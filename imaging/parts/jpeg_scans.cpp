#include "imaging/parts/jpeg_scans.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "imaging/parts/jpeg_entropy.hpp"
#include "imaging/parts/jpeg_scan_blocks.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kWorkOfByte = 4;   ///< a byte holds a few codes
constexpr std::uint64_t kWorkOfBlock = 4;  ///< of memory, once

constexpr bool is_frame_header(std::uint8_t marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/// A component of a scan with its tables.
struct Part {
    JpegComponent* component = nullptr;
    const HuffmanTable* dc = nullptr;
    const HuffmanTable* ac = nullptr;
};

class ScanReader {
  public:
    ScanReader(BytesView file, WorkBudget& budget) : file_(file), budget_(budget) {}

    JpegScans run() {
        while (!found_.complete && segment()) {
        }
        return std::move(found_);
    }

  private:
    bool segment() {
        const std::size_t start = position_;
        const bool found = find_marker();
        if (!budget_.charge(kEntryWork + position_ - start) || !found) return false;
        const std::uint8_t marker = file_[position_ - 1];
        ByteReader reader(file_.subspan(position_));
        const std::uint16_t length = reader.u16();
        if (!reader.ok() || length < 2 || length > file_.size() - position_ || !budget_.charge(length))
            return false;
        const BytesView body = file_.subspan(position_ + 2, length - 2U);
        position_ += length;
        switch (marker) {
            case 0xC0:
            case 0xC1:
            case 0xC2:
                return frame(marker, body);
            case 0xC4:
                return huffman_tables(body);
            case 0xDA:
                return scan(body);
            case 0xDD:
                restart_interval_ = body.size() == 2 ? body[0] * 256U + body[1] : 0;
                return body.size() == 2;
            default:
                return !is_frame_header(marker);
        }
    }

    /// Leaves position_ behind the code of the next marker that has a segment; false at the end of the picture.
    bool find_marker() {
        while (position_ + 1 < file_.size()) {
            const void* hit = std::memchr(file_.data() + position_, 0xFF, file_.size() - position_ - 1);
            if (hit == nullptr) return false;
            position_ = static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - file_.data()) + 1;
            const std::uint8_t code = file_[position_];
            if (code == 0xFF) continue;
            ++position_;
            if (code == 0xD8 || code == 0xD9) return false;
            if (code != 0x00 && code != 0x01 && (code < 0xD0 || code > 0xD7)) return true;
        }
        return false;
    }

    bool frame(std::uint8_t marker, BytesView body) {
        ByteReader reader(body);
        const std::uint8_t precision = reader.u8();
        const std::size_t height = reader.u16();
        const std::size_t width = reader.u16();
        const std::size_t count = reader.u8();
        if (!components_.empty() || precision != 8 || width == 0 || height == 0 || count < 1 || count > 4 ||
            body.size() != 6 + 3 * count)
            return false;
        progressive_ = marker == 0xC2;
        for (std::size_t i = 0; i < count; ++i) {
            JpegComponent component;
            component.id = reader.u8();
            const std::uint8_t sampling = reader.u8();
            reader.skip(1);
            component.horizontal = sampling >> 4;
            component.vertical = sampling & 15U;
            if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 ||
                component.vertical > 4)
                return false;
            most_horizontal_ = std::max(most_horizontal_, component.horizontal);
            most_vertical_ = std::max(most_vertical_, component.vertical);
            component.missing_bits.fill(-1);
            components_.push_back(std::move(component));
        }
        return lay_out(width, height);
    }

    bool lay_out(std::size_t width, std::size_t height) {
        const auto parts = [](std::size_t whole, std::size_t size) { return (whole + size - 1) / size; };
        columns_ = parts(width, 8 * std::size_t{most_horizontal_});
        rows_ = parts(height, 8 * std::size_t{most_vertical_});
        for (JpegComponent& component : components_) {
            component.columns = parts(parts(width * component.horizontal, most_horizontal_), 8);
            component.rows = parts(parts(height * component.vertical, most_vertical_), 8);
            component.stride = columns_ * component.horizontal;
            if (!progressive_) continue;
            const std::size_t blocks = component.stride * rows_ * component.vertical;
            if (!budget_.charge(kWorkOfBlock * blocks)) return false;
            component.history.assign(blocks, 0);
        }
        return true;
    }

    bool huffman_tables(BytesView body) {
        ByteReader reader(body);
        while (!reader.at_end()) {
            const std::uint8_t which = reader.u8();
            const BytesView counts = reader.take(16);
            std::size_t symbols = 0;
            for (const std::uint8_t count : counts)
                symbols += count;
            const BytesView values = reader.take(symbols);
            if (!reader.ok() || (which & 15U) > 3 || which >> 4 > 1) return false;
            tables_[which >> 4][which & 15U].define(counts, values);  // a scan that uses it finds out
        }
        return true;
    }

    bool scan(BytesView body) {
        ByteReader reader(body);
        const std::size_t count = reader.u8();
        if (components_.empty() || count < 1 || count > components_.size() || body.size() != 4 + 2 * count)
            return false;
        std::array<Part, 4> parts;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint8_t id = reader.u8();
            const std::uint8_t which = reader.u8();
            const auto component = std::find_if(components_.begin(), components_.end(),
                                                [&](const auto& c) { return c.id == id; });
            if (component == components_.end() || which >> 4 > 3 || (which & 15U) > 3) return false;
            parts[i] = {&*component, &tables_[0][which >> 4], &tables_[1][which & 15U]};
        }
        JpegScanHeader header;
        header.first = reader.u8();
        header.last = reader.u8();
        const std::uint8_t bits = reader.u8();
        header.high = bits >> 4;
        header.low = bits & 15U;
        const std::span<const Part> used(parts.data(), count);
        if (!note_coefficients(header, used)) return false;
        const std::size_t start = position_;
        if (!entropy(header, used)) return false;
        found_.data.push_back({start, position_ - start});
        found_.complete = is_complete();
        return true;
    }

    /// What the scan adds; false where it is none that the standard knows.
    bool note_coefficients(const JpegScanHeader& header, std::span<const Part> parts) {
        const bool dc = header.first == 0;
        for (const Part& part : parts) {
            JpegComponent& component = *part.component;
            if (!progressive_) {
                if (std::exchange(component.scanned, true) || !part.dc->is_defined() ||
                    !part.ac->is_defined())
                    return false;
                component.missing_bits.fill(0);
                continue;
            }
            if (header.last > 63 || header.last < header.first || (dc && header.last != 0) ||
                (!dc && parts.size() != 1) || header.low > 13)
                return false;
            const bool refines = header.high != 0;
            if ((dc && !refines && !part.dc->is_defined()) || (!dc && !part.ac->is_defined())) return false;
            for (unsigned i = header.first; i <= header.last; ++i) {
                const int before = std::exchange(component.missing_bits[i], static_cast<int>(header.low));
                if (refines ? before != static_cast<int>(header.high) || header.low + 1 != header.high
                            : before != -1)
                    return false;
            }
        }
        return true;
    }

    bool is_complete() const {
        return std::all_of(components_.begin(), components_.end(), [](const JpegComponent& component) {
            return std::all_of(component.missing_bits.begin(), component.missing_bits.end(),
                               [](int bits) { return bits == 0; });
        });
    }

    /// Reads the scan's data and leaves position_ behind them.
    bool entropy(const JpegScanHeader& header, std::span<const Part> parts) {
        const bool alone = parts.size() == 1;
        const std::size_t columns = alone ? parts[0].component->columns : columns_;
        const std::size_t rows = alone ? parts[0].component->rows : rows_;
        EntropyReader reader(file_, position_);
        JpegBlocks blocks(reader, header, progressive_);
        std::size_t in_interval = 0;
        std::uint8_t restart = 0xD0;
        std::size_t paid = position_;
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t column = 0; column < columns; ++column, ++in_interval) {
                if (restart_interval_ != 0 && in_interval == restart_interval_) {
                    if (blocks.run() != 0 || !at_restart(reader, restart)) return false;
                    restart = restart == 0xD7 ? 0xD0 : static_cast<std::uint8_t>(restart + 1);
                    in_interval = 0;
                }
                if (!(alone ? block(blocks, parts[0], row, column) : unit(blocks, parts, row, column)))
                    return false;
            }
            const std::size_t end = reader.end();
            if (!budget_.charge(columns + kWorkOfByte * (end - std::exchange(paid, end)))) return false;
        }
        position_ = reader.end();
        return blocks.run() == 0;
    }

    static bool block(JpegBlocks& blocks, const Part& part, std::size_t row, std::size_t column) {
        JpegComponent& component = *part.component;
        std::uint64_t* history =
            component.history.empty() ? nullptr : &component.history[row * component.stride + column];
        return blocks.read(*part.dc, *part.ac, history);
    }

    static bool unit(JpegBlocks& blocks, std::span<const Part> parts, std::size_t row, std::size_t column) {
        for (const Part& part : parts) {
            const JpegComponent& component = *part.component;
            for (unsigned y = 0; y < component.vertical; ++y)
                for (unsigned x = 0; x < component.horizontal; ++x)
                    if (!block(blocks, part, row * component.vertical + y, column * component.horizontal + x))
                        return false;
        }
        return true;
    }

    bool at_restart(EntropyReader& reader, std::uint8_t wanted) const {
        std::size_t at = reader.end();
        if (at >= file_.size() || file_[at] != 0xFF) return false;
        while (at < file_.size() && file_[at] == 0xFF)
            ++at;
        if (at >= file_.size() || file_[at] != wanted) return false;
        reader.restart(at + 1);
        return true;
    }

    BytesView file_;
    WorkBudget& budget_;
    JpegScans found_;
    std::size_t position_ = 2;
    std::vector<JpegComponent> components_;
    std::array<std::array<HuffmanTable, 4>, 2> tables_;  ///< DC and AC
    std::size_t columns_ = 0;                            ///< units of an interleaved scan
    std::size_t rows_ = 0;
    unsigned most_horizontal_ = 1;
    unsigned most_vertical_ = 1;
    std::size_t restart_interval_ = 0;
    bool progressive_ = false;
};

/// Whether an MP4 begins within the bytes, or in their last: with the size of its first box, below 256, and its name.
bool film_begins(BytesView file, std::size_t start, std::size_t end) {
    const std::string_view text = as_text(file).substr(0, end + 7);
    for (std::size_t at = text.find("ftyp", start + 4); at != std::string_view::npos;
         at = text.find("ftyp", at + 1))
        if (text.substr(at - 4, 3) == "\0\0\0"sv) return true;
    return false;
}

/// Where Samsung's blocks begin: a list of their distances from it stands at the file's end. A block begins with
/// 0 0 TYPE 10; where the distance leads before that, the first such bytes count. npos where there are none.
std::size_t samsung_blocks(BytesView file) {
    constexpr std::uint32_t kMost = 100;
    ByteReader reader(file, Endian::little);
    if (file.size() < 20 || !as_text(file).ends_with("SEFT")) return std::string_view::npos;
    reader.seek(file.size() - 8);
    const std::uint32_t size = reader.u32();
    if (size > file.size() - 8) return std::string_view::npos;
    const std::size_t list = file.size() - 8 - size;
    reader.seek(list);
    if (reader.text(4) != "SEFH") return std::string_view::npos;
    reader.skip(4);
    const std::uint32_t count = std::min(reader.u32(), kMost);
    std::size_t farthest = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        reader.skip(4);
        farthest = std::max<std::size_t>(farthest, reader.u32());
        reader.skip(4);
    }
    if (!reader.ok() || farthest > list) return std::string_view::npos;
    for (std::size_t at = list - farthest; at + 4 <= list; ++at)
        if (file[at] == 0 && file[at + 1] == 0 && file[at + 3] == 0x0A) return at;
    return std::string_view::npos;
}

}  // namespace

JpegScans read_jpeg_scans(BytesView file, WorkBudget& budget) {
    return ScanReader(file, budget).run();
}

bool runs_into_trailer(BytesView file, const JpegScans& scans) {
    const std::size_t end = scans.end();
    if (end < 2 || end > file.size()) return false;
    const bool filled = end < file.size() && file[end - 1] == file[end] && file[end - 2] == file[end];
    const auto start = static_cast<std::size_t>(scans.data.back().offset);
    return filled || film_begins(file, start, end) || samsung_blocks(file) < end;
}

}  // namespace photogate::imaging
