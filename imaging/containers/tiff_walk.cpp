#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "imaging/containers/walk.hpp"

namespace photogate::imaging::walk {

namespace {

constexpr std::uint32_t kMaxEntries = 512;
constexpr std::uint32_t kMaxPieces = 1U << 20;  ///< strips or tiles of one page

struct Entry {
    std::uint16_t type = 0;
    std::uint32_t count = 0;
    std::uint64_t values = 0;  ///< where they lie in the file
};

std::uint32_t width_of(std::uint16_t type) {
    switch (type) {
        case 1:
        case 2:
        case 6:
        case 7:
            return 1;
        case 3:
        case 8:
            return 2;
        case 4:
        case 9:
        case 11:
        case 13:
            return 4;
        case 5:
        case 10:
        case 12:
            return 8;
        default:
            return 0;
    }
}

/// What of a page's directory decides its cost.
struct Page {
    std::optional<Entry> width, height, bits, samples, photometric, extra, strip_offsets, strip_sizes,
        tile_width, tile_height, tile_offsets, tile_sizes;
};

class TiffWalk {
  public:
    TiffWalk(BytesView file, const Limits& limits, WorkBudget& budget)
        : state_{file, limits, budget, {}, {}}, endian_(file[0] == 'I' ? Endian::little : Endian::big) {
        state_.found.format = Format::tiff;
        state_.found.frames = 0;
    }

    Walked run() {
        ByteReader header(state_.file, endian_);
        header.skip(4);
        std::uint32_t offset = header.u32();
        std::vector<std::uint32_t> seen;
        if (!header.ok() || offset == 0) state_.truncated("the file ends within its header");
        while (!state_.fault && offset != 0) {
            if (std::find(seen.begin(), seen.end(), offset) != seen.end()) {
                state_.corrupt("the directories form a loop");
                break;
            }
            seen.push_back(offset);
            if (!page(offset)) break;
        }
        if (!state_.fault) state_.add_carrier(CarrierKind::exif, {0, state_.file.size()});
        return state_.finish();
    }

  private:
    ByteReader reader_at(std::uint64_t position) const {
        ByteReader reader(state_.file, endian_);
        reader.seek(position);
        return reader;
    }

    /// Reads one directory; leaves the next one's offset in `offset`.
    bool page(std::uint32_t& offset) {
        ByteReader reader = reader_at(offset);
        const std::uint32_t entries = reader.u16();
        if (!reader.ok()) return state_.truncated("a directory outside the file");
        if (entries == 0 || entries > kMaxEntries)
            return state_.corrupt("a directory of an impossible length");
        Page page;
        const bool first = state_.found.frames == 0;
        for (std::uint32_t i = 0; i < entries; ++i) {
            if (!state_.work(kEntryWork)) return false;
            const std::uint16_t tag = reader.u16();
            Entry entry{reader.u16(), reader.u32(), reader.position()};
            const std::uint64_t size = static_cast<std::uint64_t>(width_of(entry.type)) * entry.count;
            const std::uint32_t pointer = reader.u32();
            if (!reader.ok()) return state_.truncated("a directory reaches outside the file");
            if (size > 4) entry.values = pointer;
            if (tag == 330 && first) state_.found.has_hidden_pictures = true;
            if (first && fits({entry.values, size}, state_.file.size())) carrier(tag, {entry.values, size});
            remember(page, tag, entry);
        }
        offset = reader.u32();
        if (!reader.ok()) return state_.truncated("a directory reaches outside the file");
        return check(page);
    }

    void carrier(std::uint16_t tag, ByteRange range) {
        if (tag == 700) state_.add_carrier(CarrierKind::xmp, range);
        if (tag == 33723) state_.add_carrier(CarrierKind::iptc, range);
        if (tag == 34377) state_.add_carrier(CarrierKind::photoshop, range);
        if (tag == 34675) state_.add_carrier(CarrierKind::icc, range);
        if (tag == 700 || tag == 33723 || tag == 34377 || tag == 34675) state_.add_metadata(range.size);
    }

    static void remember(Page& page, std::uint16_t tag, const Entry& entry) {
        switch (tag) {
            case 256:
                page.width = entry;
                break;
            case 257:
                page.height = entry;
                break;
            case 258:
                page.bits = entry;
                break;
            case 262:
                page.photometric = entry;
                break;
            case 273:
                page.strip_offsets = entry;
                break;
            case 277:
                page.samples = entry;
                break;
            case 279:
                page.strip_sizes = entry;
                break;
            case 322:
                page.tile_width = entry;
                break;
            case 323:
                page.tile_height = entry;
                break;
            case 324:
                page.tile_offsets = entry;
                break;
            case 325:
                page.tile_sizes = entry;
                break;
            case 338:
                page.extra = entry;
                break;
            default:
                break;
        }
    }

    /// Value `index` of an entry of BYTE, SHORT or LONG.
    std::optional<std::uint32_t> value(const std::optional<Entry>& entry, std::uint32_t index = 0) const {
        if (!entry || index >= entry->count) return std::nullopt;
        if (entry->type != 1 && entry->type != 3 && entry->type != 4 && entry->type != 13)
            return std::nullopt;
        const std::uint32_t width = width_of(entry->type);
        ByteReader reader = reader_at(entry->values + static_cast<std::uint64_t>(index) * width);
        const auto number = static_cast<std::uint32_t>(reader.number(width));
        if (!reader.ok()) return std::nullopt;
        return number;
    }

    bool check(const Page& page) {
        const std::uint64_t width = value(page.width).value_or(0);
        const std::uint64_t height = value(page.height).value_or(0);
        const std::uint32_t bits = value(page.bits).value_or(1);
        const std::uint32_t samples = value(page.samples).value_or(1);
        if (bits == 0 || bits > 64 || samples == 0 || samples > 64)
            return state_.corrupt("an impossible sample depth");
        if (state_.found.frames == 0) {
            const std::uint32_t photometric = value(page.photometric).value_or(1);
            state_.found.channels = samples;
            state_.found.bits_per_channel = bits;
            state_.found.has_alpha = page.extra.has_value();
            state_.found.colour = photometric <= 1   ? ColourModel::grey
                                  : photometric == 5 ? ColourModel::cmyk
                                  : photometric == 2 || photometric == 3 || photometric == 6
                                      ? ColourModel::rgb
                                      : ColourModel::other;
            if (!state_.set_size(width, height)) return false;
            if (!state_.check_raster()) return false;
        } else if (!state_.check_size(width, height)) {
            return false;
        }
        return state_.add_frame(width * height) && tile_size(page) &&
               pieces(page.strip_offsets, page.strip_sizes) && pieces(page.tile_offsets, page.tile_sizes);
    }

    bool tile_size(const Page& page) {
        if (!page.tile_width && !page.tile_height) return true;
        return state_.check_size(value(page.tile_width).value_or(0), value(page.tile_height).value_or(0));
    }

    /// A decoder reads every strip of a page, whichever else refers to the same bytes: so all are paid for.
    bool pieces(const std::optional<Entry>& offsets, const std::optional<Entry>& sizes) {
        if (!offsets || !sizes) return true;
        const std::uint32_t count = std::min(offsets->count, sizes->count);
        if (count > kMaxPieces) return state_.corrupt("too many strips or tiles");
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::optional<std::uint32_t> offset = value(offsets, i);
            const std::optional<std::uint32_t> size = value(sizes, i);
            if (!state_.work(kEntryWork + size.value_or(0))) return false;
            if (!offset || !size) return state_.truncated("a list of strips or tiles outside the file");
            if (!fits({*offset, *size}, state_.file.size()))
                return state_.truncated("a strip or tile outside the file");
        }
        return true;
    }

    State state_;
    Endian endian_;
};

}  // namespace

Walked tiff(BytesView file, const Limits& limits, WorkBudget& budget) {
    return TiffWalk(file, limits, budget).run();
}

}  // namespace photogate::imaging::walk
