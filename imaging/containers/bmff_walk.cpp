#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "imaging/containers/bmff_items.hpp"
#include "imaging/containers/walk.hpp"

namespace photogate::imaging::walk {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kC2paUuid = "\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81"sv;

constexpr int kMaxDerivations = 8;                 ///< pictures made of pictures made of …
constexpr std::uint64_t kManyPixels = 1ULL << 40;  ///< more than any limit

class BmffWalk {
  public:
    BmffWalk(BytesView file, const Limits& limits, WorkBudget& budget, Format format)
        : state_{file, limits, budget, {}, {}} {
        state_.found.format = format;
        state_.found.frames = 0;
    }

    Walked run() {
        tl::expected<BmffFile, Rejection> parsed = read_bmff(state_.file, state_.budget);
        if (!parsed) return tl::unexpected<Rejection>(std::move(parsed.error()));
        bmff_ = std::move(*parsed);
        for (const BmffReference& reference : bmff_.references)
            if (reference.type == "dimg") sources_[reference.from].push_back(&reference);
        if (boxes() && pictures() && primary()) {
            metadata();
            find_hidden_pictures();
            state_.found.trailer = bmff_.trailer;
        }
        return state_.finish();
    }

  private:
    bool boxes() {
        for (const BmffBox& box : bmff_.boxes) {
            if (box.type == "uuid" && starts_with(slice(state_.file, {box.body.offset - 16, 16}), kC2paUuid))
                state_.found.has_content_credentials = true;
            if (box.type == "uuid" && !state_.add_metadata(box.body.size)) return false;
        }
        return true;
    }

    struct Size {
        std::uint32_t width = 0;
        std::uint32_t height = 0;
    };

    Size size_of(const BmffBox& ispe) const {
        ByteReader reader(slice(state_.file, ispe.body));
        reader.skip(4);
        const Size size{reader.u32(), reader.u32()};
        return reader.ok() ? size : Size{};
    }

    bool pictures() {
        // A property that no item uses may still be read by a decoder.
        for (const BmffBox& property : bmff_.properties) {
            if (property.type != "ispe") continue;
            const Size size = size_of(property);
            if (!state_.check_size(size.width, size.height)) return false;
        }
        for (const BmffItem& item : bmff_.items) {
            if (!is_picture(item)) continue;
            if (item.type == "grid" && !grid(item)) return false;
            const BmffBox* ispe = bmff_.property(item, "ispe");
            const Size size = ispe == nullptr ? Size{} : size_of(*ispe);
            // A grid's own pixels are its tiles'.
            if (item.type != "grid")
                state_.found.total_pixels += static_cast<std::uint64_t>(size.width) * size.height;
            if (state_.found.total_pixels > state_.limits.max_total_pixels)
                return state_.reject(RejectionCode::too_many_pixels,
                                     "all pictures in the file have too many pixels together");
        }
        return true;
    }

    /// The grid's own header: rows, columns, size of what they are put together to.
    bool grid(const BmffItem& item) {
        if (!item.resolved) return true;
        ByteReader reader(slice(state_.file, item.extents.front()));
        reader.skip(1);
        const std::size_t width = (reader.u8() & 1U) != 0 ? 4 : 2;
        const std::uint32_t tiles = (reader.u8() + 1U) * (reader.u8() + 1U);
        const std::uint64_t pixels_wide = reader.number(width);
        const std::uint64_t pixels_high = reader.number(width);
        if (!reader.ok()) return state_.corrupt("a grid whose header is too short");
        const auto of_this = sources_.find(item.id);
        if (of_this != sources_.end())
            for (const BmffReference* reference : of_this->second)
                if (reference->to.size() != tiles)
                    return state_.corrupt("a grid that does not have as many tiles as it says");
        return state_.check_size(pixels_wide, pixels_high);
    }

    bool primary() {
        const BmffItem* item = bmff_.item(bmff_.primary);
        if (item == nullptr || !is_picture(*item))
            return state_.corrupt("a HEIF file without a primary picture");
        const BmffBox* ispe = bmff_.property(*item, "ispe");
        if (ispe == nullptr) return state_.corrupt("a primary picture without a size");
        if (!is_affordable(*item)) return false;
        const Size size = size_of(*ispe);
        const std::uint64_t total = state_.found.total_pixels;
        if (!depth(*item) || !state_.set_size(size.width, size.height) || !state_.check_raster())
            return false;
        if (!state_.add_frame(0)) return false;
        state_.found.total_pixels =
            std::max<std::uint64_t>(total, static_cast<std::uint64_t>(size.width) * size.height);
        if (const BmffBox* irot = bmff_.property(*item, "irot")) {
            const BytesView body = slice(state_.file, irot->body);
            state_.found.turned_sideways = !body.empty() && (body[0] & 1U) != 0;
        }
        // A grid may leave the profile to its tiles.
        for (const BmffBox& property : bmff_.properties)
            if (property.type == "colr" && !state_.found.has_icc) colour(property);
        return true;
    }

    /// What a decoder paints for this picture: its own pixels, and those of all that it is put together from,
    /// each as often as it is referred to. Saturates; nullopt, with the file refused, for a loop.
    std::optional<std::uint64_t> painted(const BmffItem& item, int depth) {
        if (const auto known = painted_.find(item.id); known != painted_.end()) return known->second;
        if (depth > kMaxDerivations) {
            state_.corrupt("pictures that are put together from each other");
            return std::nullopt;
        }
        const BmffBox* ispe = bmff_.property(item, "ispe");
        const Size own = ispe == nullptr ? Size{} : size_of(*ispe);
        std::uint64_t total = static_cast<std::uint64_t>(own.width) * own.height;
        if (const auto parts = sources_.find(item.id); parts != sources_.end()) {
            for (const BmffReference* reference : parts->second) {
                for (const std::uint32_t id : reference->to) {
                    if (!state_.work(kEntryWork)) return std::nullopt;
                    const BmffItem* part = bmff_.item(id);
                    if (part == nullptr) continue;
                    const auto pixels = painted(*part, depth + 1);
                    if (!pixels) return std::nullopt;
                    total = std::min(total + *pixels, kManyPixels);
                }
            }
        }
        painted_.emplace(item.id, total);
        return total;
    }

    bool is_affordable(const BmffItem& item) {
        const auto pixels = painted(item, 0);
        if (!pixels) return false;
        // Its own pixels are held to max_pixels; those of its parts are painted as well.
        const BmffBox* ispe = bmff_.property(item, "ispe");
        const Size own = ispe == nullptr ? Size{} : size_of(*ispe);
        return *pixels <=
                   state_.limits.max_total_pixels + static_cast<std::uint64_t>(own.width) * own.height ||
               state_.reject(RejectionCode::too_many_pixels,
                             "the picture is put together from too many pixels");
    }

    bool depth(const BmffItem& item) {
        const BmffBox* pixi = bmff_.property(item, "pixi");
        if (pixi == nullptr) return true;
        ByteReader reader(slice(state_.file, pixi->body));
        reader.skip(4);
        const std::uint8_t channels = reader.u8();
        const std::uint8_t bits = reader.u8();
        if (!reader.ok() || channels == 0 || channels > 4 || bits == 0 || bits > 16)
            return state_.corrupt("an impossible sample depth");
        state_.found.channels = channels;
        state_.found.bits_per_channel = bits;
        if (channels == 1) state_.found.colour = ColourModel::grey;
        return true;
    }

    void colour(const BmffBox& colr) {
        const std::string_view kind = head_text(slice(state_.file, colr.body), 4);
        if (kind == "prof" || kind == "rICC")
            state_.add_carrier(CarrierKind::icc, {colr.body.offset + 4, colr.body.size - 4});
    }

    void metadata() {
        for (const BmffItem& item : bmff_.items) {
            if (is_picture(item)) continue;
            std::uint64_t size = 0;
            for (const ByteRange& extent : item.extents)
                size += extent.size;
            if (!state_.add_metadata(size)) return;
            if (item.extents.empty()) continue;
            if (item.type == "Exif") exif(item.extents);
            if (item.type == "mime" && item.content_type.starts_with("application/rdf+xml"))
                add_carrier(CarrierKind::xmp, item.extents);
        }
    }

    /// The payload starts with the offset of the TIFF header behind those four bytes (ISO 23008-12, A.2.1). It
    /// may lie in several extents.
    void exif(const std::vector<ByteRange>& payload) {
        const Bytes head = first_bytes(payload, 4);
        if (head.size() < 4) return;
        std::vector<ByteRange> tiff = without_first(payload, 4ULL + ByteReader(head).u32());
        if (as_text(first_bytes(tiff, 6)) == "Exif\0\0"sv) tiff = without_first(tiff, 6);
        if (!tiff.empty()) add_carrier(CarrierKind::exif, tiff);
    }

    void add_carrier(CarrierKind kind, const std::vector<ByteRange>& extents) {
        state_.add_carrier(kind, extents.front());
        for (std::size_t i = 1; i < extents.size(); ++i)
            state_.continue_carrier(kind, extents[i]);
    }

    Bytes first_bytes(const std::vector<ByteRange>& extents, std::size_t n) const {
        Bytes out;
        for (const ByteRange& extent : extents) {
            const BytesView bytes = slice(state_.file, extent);
            const BytesView taken = bytes.first(std::min(bytes.size(), n - out.size()));
            out.insert(out.end(), taken.begin(), taken.end());
            if (out.size() == n) break;
        }
        return out;
    }

    static std::vector<ByteRange> without_first(const std::vector<ByteRange>& extents, std::uint64_t n) {
        std::vector<ByteRange> out;
        for (const ByteRange& extent : extents) {
            const std::uint64_t skipped = std::min(n, extent.size);
            n -= skipped;
            if (skipped < extent.size) out.push_back({extent.offset + skipped, extent.size - skipped});
        }
        return out;
    }

    bool refers_to_primary(const BmffReference& reference) const {
        return std::find(reference.to.begin(), reference.to.end(), bmff_.primary) != reference.to.end();
    }

    void find_hidden_pictures() {
        std::vector<std::uint32_t> drawn = {bmff_.primary};
        for (const BmffReference& reference : bmff_.references) {
            if (reference.type != "auxl" || !refers_to_primary(reference)) continue;
            const BmffItem* item = bmff_.item(reference.from);
            const BmffBox* auxc = item == nullptr ? nullptr : bmff_.property(*item, "auxC");
            if (auxc == nullptr || !says_alpha(slice(state_.file, auxc->body))) continue;
            if (!is_affordable(*item)) return;
            state_.found.has_alpha = true;
            drawn.push_back(reference.from);
            break;
        }
        // Both may be grids: then their tiles are drawn too.
        const std::vector<std::uint32_t> roots = drawn;
        for (const BmffReference& reference : bmff_.references)
            if (reference.type == "dimg" &&
                std::find(roots.begin(), roots.end(), reference.from) != roots.end())
                drawn.insert(drawn.end(), reference.to.begin(), reference.to.end());
        std::sort(drawn.begin(), drawn.end());
        for (const BmffItem& item : bmff_.items) {
            if (item.type == "tmap") state_.found.has_gain_map = true;
            if (is_picture(item) && !std::binary_search(drawn.begin(), drawn.end(), item.id))
                state_.found.has_hidden_pictures = true;
        }
        for (const BmffBox& box : bmff_.boxes)
            if (box.type == "moov" || box.type == "mpvd") state_.found.has_hidden_pictures = true;
    }

    State state_;
    BmffFile bmff_;
    std::unordered_map<std::uint32_t, std::vector<const BmffReference*>> sources_;  ///< `dimg`, by item
    std::unordered_map<std::uint32_t, std::uint64_t> painted_;                      ///< pixels, by item
};

}  // namespace

Walked bmff(BytesView file, const Limits& limits, WorkBudget& budget, Format format) {
    return BmffWalk(file, limits, budget, format).run();
}

}  // namespace photogate::imaging::walk
