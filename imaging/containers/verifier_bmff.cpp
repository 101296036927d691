#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging::verifier {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxBoxes = 20'000;
constexpr std::size_t kMaxExtents = 65'536;

constexpr std::array kMetaBoxes = {"hdlr"sv, "pitm"sv, "iinf"sv, "iloc"sv, "iprp"sv,
                                   "iref"sv, "idat"sv, "grpl"sv, "dinf"sv};
constexpr std::array kPictures = {"hvc1"sv, "av01"sv, "grid"sv, "iovl"sv, "iden"sv};
constexpr std::array kProperties = {"ispe"sv, "irot"sv, "imir"sv, "clap"sv, "pixi"sv,
                                    "colr"sv, "av1C"sv, "hvcC"sv, "auxC"sv, "pasp"sv,
                                    "clli"sv, "mdcv"sv, "a1op"sv, "a1lx"sv, "lsel"sv};

struct Box {
    std::string_view type;
    BytesView body;
};

bool all_zero(BytesView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

class Reader {
  public:
    Reader(BytesView file, Names& names, WorkBudget& budget) : file_(file), names_(names), budget_(budget) {}

    void run() {
        bool has_meta = false;
        each_box(file_, [&](const Box& box) {
            if (box.type == "meta") {
                has_meta = true;
                if (box.body.size() >= 4) meta(box.body.subspan(4));
            } else if (box.type == "free" || box.type == "skip") {
                if (!all_zero(box.body)) names_.add("box:" + printable(box.type));
            } else if (box.type == "mdat") {
                data_.push_back(box.body);
            } else if (box.type != "ftyp") {
                names_.add("box:" + printable(box.type));
            }
        });
        if (!has_meta) names_.add("unreadable");
        items();
        hidden_bytes();
    }

  private:
    /// Calls `visit` for the boxes that fill `bytes`; what is left over is unreadable.
    template <class Visit>
    void each_box(BytesView bytes, Visit visit) {
        std::size_t at = 0;
        while (at < bytes.size()) {
            std::size_t header = 8;
            std::size_t size = be(bytes, at, 4);
            if (size == 1) {
                header = 16;
                size = static_cast<std::size_t>(be(bytes, at + 8, 4)) << 32 | be(bytes, at + 12, 4);
            }
            if (size == 0) size = bytes.size() - at;
            if (size < header || size > bytes.size() - at || ++boxes_ > kMaxBoxes ||
                !budget_.charge(kEntryWork)) {
                names_.add("unreadable");
                return;
            }
            visit(Box{text_at(bytes, at + 4, 4), bytes.subspan(at + header, size - header)});
            at += size;
        }
    }

    void meta(BytesView body) {
        each_box(body, [&](const Box& box) {
            if (!one_of(kMetaBoxes, box.type)) names_.add("box:" + printable(box.type));
            if (box.type == "idat") idat_ = box.body;
            if (box.type == "iloc") locations_ = box.body;
            if (box.type == "iinf" && box.body.size() > 6) item_list(box.body);
            if (box.type == "iref" && box.body.size() > 4) references(box.body.subspan(4));
            if (box.type == "iprp") properties(box.body);
        });
    }

    void item_list(BytesView body) {
        each_box(body.subspan(body[0] == 0      ? 6
                              : 8 > body.size() ? body.size()
                                                : 8),
                 [&](const Box& box) {
                     const std::size_t id_width = be(box.body, 0, 1) >= 3 ? 4 : 2;
                     types_[be(box.body, 4, id_width)] = text_at(box.body, 4 + id_width + 2, 4);
                 });
    }

    void references(BytesView body) {
        each_box(body, [&](const Box& box) {
            if (box.type == "thmb") names_.add("thumbnail");
        });
    }

    void properties(BytesView body) {
        each_box(body, [&](const Box& box) {
            if (box.type != "ipco") return;
            each_box(box.body, [&](const Box& property) {
                if (!one_of(kProperties, property.type)) names_.add("property:" + printable(property.type));
                const std::string_view text = as_text(property.body);
                if (property.type == "colr" && (text.starts_with("prof") || text.starts_with("rICC")))
                    profile(property.body.subspan(4));
                if (property.type == "auxC" && text.find("alpha") == std::string_view::npos &&
                    text.find("auxid:1") == std::string_view::npos)
                    names_.add("auxiliary_picture");
            });
        });
    }

    /// One that was rebuilt in its place has zeros behind it.
    void profile(BytesView body) {
        const std::size_t size = std::min<std::size_t>(be(body, 0, 4), body.size());
        icc_profile(body.first(size), names_);
        if (!all_zero(body.subspan(size))) names_.add("icc");
    }

    void metadata_item(std::string_view type) {
        if (type == "Exif")
            names_.add("exif");
        else if (type == "mime")
            names_.add("xmp");
        else
            names_.add("item:" + printable(type));
    }

    /// Whatever is no picture must lie in zeros.
    void items() {
        const std::uint32_t version = be(locations_, 0, 1);
        const std::uint32_t widths = be(locations_, 4, 2);
        const std::size_t offset_width = widths >> 12;
        const std::size_t length_width = widths >> 8 & 15U;
        const std::size_t base_width = widths >> 4 & 15U;
        const std::size_t index_width = version == 0 ? 0 : widths & 15U;
        const std::size_t id_width = version < 2 ? 2 : 4;
        std::size_t at = 6;
        const auto number = [&](std::size_t width) {
            const std::uint64_t high = width > 4 ? be(locations_, at, width - 4) : 0;
            const std::uint64_t low =
                width > 4 ? be(locations_, at + width - 4, 4) : be(locations_, at, width);
            at += width;
            return high << 32 | low;
        };
        const std::uint64_t count = number(id_width);
        for (std::uint64_t i = 0; i < count && at < locations_.size(); ++i) {
            if (!budget_.charge(kEntryWork)) return names_.add("unreadable");
            const auto id = static_cast<std::uint32_t>(number(id_width));
            const std::uint64_t method = version == 0 ? 0 : number(2) & 15U;
            at += 2;
            const std::uint64_t base = number(base_width);
            const std::uint64_t extents = number(2);
            const auto type = types_.find(id);
            for (std::uint64_t e = 0; e < extents && at < locations_.size(); ++e) {
                if (++extents_ > kMaxExtents || !budget_.charge(kEntryWork)) return names_.add("unreadable");
                at += index_width;
                const std::uint64_t offset = base + number(offset_width);
                const std::uint64_t length = number(length_width);
                const bool draws = type != types_.end() && one_of(kPictures, type->second);
                if (draws && method == 0) {
                    pictures_.emplace_back(offset, length);
                } else if (!draws && !is_silent(method, offset, length)) {
                    metadata_item(type == types_.end() ? "unlisted" : type->second);
                }
            }
        }
    }

    /// Between the pictures' extents there is nothing but zeros.
    void hidden_bytes() {
        if (!budget_.charge(file_.size())) return names_.add("unreadable");
        merge_pictures();
        for (const BytesView box : data_) {
            const auto start = static_cast<std::uint64_t>(box.data() - file_.data());
            const std::uint64_t end = start + box.size();
            std::uint64_t at = start;
            auto picture = std::partition_point(pictures_.begin(), pictures_.end(),
                                                [&](const auto& extent) { return extent.second <= start; });
            for (; picture != pictures_.end() && picture->first < end; ++picture) {
                if (picture->first > at && !all_zero(box.subspan(at - start, picture->first - at)))
                    names_.add("hidden_bytes");
                at = std::min(std::max(at, picture->second), end);
            }
            if (!all_zero(box.subspan(at - start))) names_.add("hidden_bytes");
        }
    }

    /// From offsets and lengths, of which 0 means to the end of the file, to starts and ends in order that do
    /// not overlap.
    void merge_pictures() {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> merged;
        std::sort(pictures_.begin(), pictures_.end());
        for (const auto& [offset, length] : pictures_) {
            if (offset > file_.size()) break;
            const std::uint64_t end = length == 0 ? file_.size() : std::min(offset + length, file_.size());
            if (end < offset) continue;  // offset + length is beyond 2^64
            if (!merged.empty() && offset <= merged.back().second)
                merged.back().second = std::max(merged.back().second, end);
            else
                merged.emplace_back(offset, end);
        }
        pictures_ = std::move(merged);
    }

    bool is_silent(std::uint64_t method, std::uint64_t offset, std::uint64_t length) {
        const BytesView source = method == 0 ? file_ : idat_;
        if (method > 1 || offset > source.size() || length > source.size() - offset) return false;
        if (length == 0) length = source.size() - offset;
        // Items may refer to the same bytes: each search is paid for.
        return budget_.charge(length) &&
               all_zero(source.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
    }

    BytesView file_;
    Names& names_;
    WorkBudget& budget_;
    BytesView idat_;
    BytesView locations_;
    std::vector<BytesView> data_;  ///< mdat boxes
    std::vector<std::pair<std::uint64_t, std::uint64_t>>
        pictures_;  ///< offset and length; then start and end
    std::map<std::uint32_t, std::string_view> types_;
    std::size_t boxes_ = 0;
    std::size_t extents_ = 0;
};

}  // namespace

void bmff(BytesView file, Names& names, WorkBudget& budget) {
    Reader(file, names, budget).run();
}

}  // namespace photogate::imaging::verifier
