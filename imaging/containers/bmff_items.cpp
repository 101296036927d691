#include "imaging/containers/bmff_items.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace photogate::imaging {

namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxBoxes = 20'000;
constexpr std::size_t kMaxItems = 4'096;
constexpr std::size_t kMaxLinks = 65'536;
constexpr std::size_t kMaxItemProperties = 256;
constexpr std::size_t kMaxAuxiliaryType = 128;  ///< bytes of an `auxC` text

constexpr std::array<std::string_view, 17> kContainers = {"moov", "trak", "mdia", "minf", "stbl", "dinf",
                                                          "edts", "udta", "mvex", "moof", "traf", "iprp",
                                                          "ipco", "strk", "meco", "sinf", "schi"};
constexpr std::array<std::string_view, 9> kTopLevel = {"ftyp", "meta", "mdat", "moov", "free",
                                                       "skip", "uuid", "mpvd", "idat"};

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// The box at `position`, which must end by `end`.
std::optional<BmffBox> box_at(BytesView file, std::uint64_t position, std::uint64_t end) {
    ByteReader reader(file);
    reader.seek(position);
    std::uint64_t size = reader.u32();
    const std::string_view type = reader.text(4);
    if (size == 1) size = reader.u64();
    if (type == "uuid") reader.skip(16);
    if (!reader.ok()) return std::nullopt;
    if (size == 0) size = end - position;
    const std::uint64_t header = reader.position() - position;
    if (size < header || position > end || size > end - position) return std::nullopt;
    return BmffBox{type, {position, size}, {position + header, size - header}};
}

class Parser {
  public:
    Parser(BytesView file, WorkBudget& budget) : file_(file), budget_(budget) {}

    tl::expected<BmffFile, Rejection> run() {
        if (top_level() && read_meta() && (!budget_.exhausted() || corrupt(kTooMuchWork)))
            return std::move(out_);
        return tl::unexpected<Rejection>(std::move(*fault_));
    }

  private:
    bool reject(RejectionCode code, std::string detail) {
        if (!fault_) fault_ = Rejection{code, std::move(detail)};
        return false;
    }
    bool corrupt(std::string detail) { return reject(RejectionCode::corrupt, std::move(detail)); }
    bool truncated() {
        return reject(RejectionCode::truncated, "a box or a picture reaches outside the file");
    }

    bool top_level() {
        std::uint64_t position = 0;
        while (position < file_.size()) {
            const std::optional<BmffBox> box = box_at(file_, position, file_.size());
            if (!box) {
                ByteReader reader(file_);
                reader.seek(position + 4 <= file_.size() ? position + 4 : position);
                if (!seen_meta_ || one_of(kTopLevel, reader.text(4))) return truncated();
                out_.trailer = {position, file_.size() - position};
                return true;
            }
            if (box->type == "meta") {
                if (seen_meta_) return corrupt("two item lists");
                seen_meta_ = true;
                meta_ = *box;
            }
            out_.boxes.push_back(*box);
            if (!descend(*box, 1)) return false;
            position = box->whole.offset + box->whole.size;
        }
        return seen_meta_ || corrupt("a HEIF file without an item list");
    }

    /// Boxes within boxes: bounded in depth and number, each within its parent.
    bool descend(const BmffBox& box, int depth) {
        if (++boxes_ > kMaxBoxes) return corrupt("too many boxes");
        if (!budget_.charge(kEntryWork)) return corrupt(kTooMuchWork);
        const bool meta = box.type == "meta";
        if (!meta && !one_of(kContainers, box.type)) return true;
        if (depth >= kMaxDepth) return corrupt("boxes are nested too deep");
        const std::uint64_t end = box.body.offset + box.body.size;
        std::uint64_t position = box.body.offset + (meta ? 4 : 0);
        while (position + 8 <= end) {
            const std::optional<BmffBox> child = box_at(file_, position, end);
            if (!child) return corrupt("a box is longer than the one around it");
            if (!descend(*child, depth + 1)) return false;
            position = child->whole.offset + child->whole.size;
        }
        return true;
    }

    /// The children of a container whose contents start at `position`; descend() has proved them.
    std::vector<BmffBox> children(ByteRange body, std::uint64_t skip) const {
        std::vector<BmffBox> out;
        const std::uint64_t end = body.offset + body.size;
        std::uint64_t position = body.offset + skip;
        while (position + 8 <= end && out.size() < kMaxBoxes) {
            const std::optional<BmffBox> child = box_at(file_, position, end);
            if (!child || !budget_.charge(kEntryWork)) break;  // run() asks the budget at its end
            out.push_back(*child);
            position = child->whole.offset + child->whole.size;
        }
        return out;
    }

    bool read_meta() {
        const std::vector<BmffBox> boxes = children(meta_.body, 4);
        for (const BmffBox& box : boxes) {
            if (box.type == "idat") out_.idat = box.body;
            if (box.type == "pitm" && !primary(box)) return false;
            if (box.type == "iinf" && !item_infos(box)) return false;
        }
        for (const BmffBox& box : boxes) {
            if (box.type == "iloc" && !locations(box)) return false;
            if (box.type == "iref" && !references(box)) return false;
            if (box.type == "iprp" && !properties(box)) return false;
        }
        return true;
    }

    bool primary(const BmffBox& box) {
        ByteReader reader(slice(file_, box.body));
        const std::uint8_t version = reader.u8();
        reader.skip(3);
        out_.primary = version == 0 ? reader.u16() : reader.u32();
        return reader.ok() || corrupt("a broken primary item");
    }

    bool item_infos(const BmffBox& box) {
        ByteReader reader(slice(file_, box.body));
        const std::uint8_t version = reader.u8();
        reader.skip(3);
        reader.skip(version == 0 ? 2 : 4);
        if (!reader.ok()) return corrupt("a broken item list");
        for (const BmffBox& child : children(box.body, reader.position())) {
            if (child.type != "infe") continue;
            if (out_.items.size() >= kMaxItems) return corrupt("too many items");
            if (!item_info(child)) return false;
        }
        return true;
    }

    bool item_info(const BmffBox& box) {
        ByteReader reader(slice(file_, box.body));
        const std::uint8_t version = reader.u8();
        reader.skip(3);
        BmffItem item;
        item.id = version >= 3 ? reader.u32() : reader.u16();
        reader.skip(2);
        item.type = version >= 2 ? reader.text(4) : "mime";
        if (!reader.ok()) return corrupt("a broken item");
        const std::string_view rest = as_text(reader.rest());
        const std::size_t name_end = rest.find('\0');
        if (item.type == "mime" && name_end != std::string_view::npos) {
            const std::string_view content = rest.substr(name_end + 1);
            item.content_type = content.substr(0, content.find('\0'));
        }
        if (!out_.places.emplace(item.id, out_.items.size()).second)
            return corrupt("two items of the same number");
        out_.items.push_back(std::move(item));
        return true;
    }

    /// One more extent, reference or property of an item.
    bool link() { return ++links_ <= kMaxLinks && budget_.charge(kEntryWork); }

    BmffItem* find(std::uint32_t id) {
        const auto it = out_.places.find(id);
        return it == out_.places.end() ? nullptr : &out_.items[it->second];
    }

    bool locations(const BmffBox& box) {
        ByteReader reader(slice(file_, box.body));
        const std::uint8_t version = reader.u8();
        reader.skip(3);
        const std::uint16_t sizes = reader.u16();
        const std::size_t offset_size = sizes >> 12;
        const std::size_t length_size = sizes >> 8 & 15U;
        const std::size_t base_size = sizes >> 4 & 15U;
        const std::size_t index_size = version == 0 ? 0 : sizes & 15U;
        for (const std::size_t size : {offset_size, length_size, base_size, index_size})
            if (size != 0 && size != 4 && size != 8)
                return corrupt("an item location of an impossible width");
        const std::uint32_t count = version < 2 ? reader.u16() : reader.u32();
        if (!reader.ok() || version > 2 || count > kMaxItems)
            return corrupt("a broken list of item locations");
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t id = version < 2 ? reader.u16() : reader.u32();
            const unsigned method = version == 0 ? 0 : reader.u16() & 15U;
            reader.skip(2);
            const std::uint64_t base = reader.number(base_size);
            const std::uint16_t extents = reader.u16();
            BmffItem* item = find(id);
            for (std::uint16_t e = 0; e < extents; ++e) {
                if (!link()) return corrupt("too many extents");
                reader.skip(index_size);
                const std::uint64_t offset = reader.number(offset_size);
                const std::uint64_t length = reader.number(length_size);
                if (!reader.ok()) return corrupt("a broken list of item locations");
                if (offset_size + length_size == 0 && extents > 1)
                    return corrupt("extents without an offset");
                if (!add_extent(item, method, {base + offset, length})) return false;
            }
        }
        return reader.ok() || corrupt("a broken list of item locations");
    }

    bool add_extent(BmffItem* item, unsigned method, ByteRange range) {
        if (method > 1) return true;  // built from other items: nothing of its own to bound
        const std::uint64_t whole = method == 1 ? out_.idat.size : file_.size();
        if (range.offset > whole) return truncated();
        if (range.size == 0) range.size = whole - range.offset;
        if (!fits(range, whole)) return truncated();
        if (method == 1) range.offset += out_.idat.offset;
        if (item == nullptr) return true;
        item->extents.push_back(range);
        item->resolved = true;
        return true;
    }

    bool references(const BmffBox& box) {
        ByteReader header(slice(file_, box.body));
        const std::uint8_t version = header.u8();
        header.skip(3);
        if (!header.ok()) return corrupt("a broken list of references");
        for (const BmffBox& child : children(box.body, 4)) {
            ByteReader reader(slice(file_, child.body));
            BmffReference reference{child.type, version == 0 ? reader.u16() : reader.u32(), {}};
            const std::uint16_t count = reader.u16();
            for (std::uint16_t i = 0; i < count && reader.ok(); ++i) {
                if (!link()) return corrupt("too many references");
                reference.to.push_back(version == 0 ? reader.u16() : reader.u32());
            }
            if (!reader.ok()) return corrupt("a broken reference");
            out_.references.push_back(std::move(reference));
        }
        return true;
    }

    bool properties(const BmffBox& box) {
        const std::vector<BmffBox> boxes = children(box.body, 0);
        for (const BmffBox& child : boxes)
            if (child.type == "ipco") out_.properties = children(child.body, 0);
        if (out_.properties.size() > kMaxItems) return corrupt("too many properties");
        for (const BmffBox& child : boxes)
            if (child.type == "ipma" && !associations(child)) return false;
        return true;
    }

    bool associations(const BmffBox& box) {
        ByteReader reader(slice(file_, box.body));
        const std::uint8_t version = reader.u8();
        const std::uint32_t flags = reader.u24();
        const std::uint32_t count = reader.u32();
        for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
            if (!link()) return corrupt("too many properties");
            const std::uint32_t id = version < 1 ? reader.u16() : reader.u32();
            const std::uint8_t links = reader.u8();
            BmffItem* item = find(id);
            for (std::uint8_t k = 0; k < links && reader.ok(); ++k) {
                if (!link()) return corrupt("too many properties");
                const std::uint32_t index = (flags & 1U) != 0 ? reader.u16() & 0x7FFFU : reader.u8() & 0x7FU;
                if (item == nullptr || index < 1 || index > out_.properties.size()) continue;
                if (item->properties.size() >= kMaxItemProperties)
                    return corrupt("too many properties of one item");
                item->properties.push_back(index - 1);
            }
        }
        return reader.ok() || corrupt("a broken list of properties");
    }

    BytesView file_;
    WorkBudget& budget_;
    BmffFile out_;
    BmffBox meta_;
    std::optional<Rejection> fault_;
    std::size_t boxes_ = 0;
    std::size_t links_ = 0;
    bool seen_meta_ = false;
};

}  // namespace

const BmffItem* BmffFile::item(std::uint32_t id) const {
    const auto it = places.find(id);
    return it == places.end() ? nullptr : &items[it->second];
}

const BmffBox* BmffFile::property(const BmffItem& owner, std::string_view type) const {
    for (const std::uint32_t index : owner.properties)
        if (properties[index].type == type) return &properties[index];
    return nullptr;
}

bool is_picture(const BmffItem& item) {
    static constexpr std::array<std::string_view, 12> kPictures = {
        "hvc1", "av01", "grid", "iovl", "iden", "jpeg", "avc1", "tmap", "hvt1", "j2k1", "unci", "vvc1"};
    return one_of(kPictures, item.type);
}

bool says_alpha(BytesView auxc_body) {
    const std::string_view text = head_text(auxc_body, kMaxAuxiliaryType);
    return text.find("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha") != std::string_view::npos ||
           text.find("urn:mpeg:hevc:2015:auxid:1") != std::string_view::npos;
}

tl::expected<BmffFile, Rejection> read_bmff(BytesView file, WorkBudget& budget) {
    return Parser(file, budget).run();
}

}  // namespace photogate::imaging
