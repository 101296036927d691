#include <algorithm>
#include <vector>

#include "imaging/containers/bmff_items.hpp"
#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxRemoved = 1'024;

void zero(Bytes& bytes, ByteRange range) {
    if (!fits(range, bytes.size())) return;
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
    std::fill(start, start + static_cast<std::ptrdiff_t>(range.size), std::uint8_t{0});
}

bool overlaps(ByteRange a, ByteRange b) {
    return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

bool within(ByteRange inner, ByteRange outer) {
    return inner.offset >= outer.offset && inner.offset + inner.size <= outer.offset + outer.size;
}

bool share_bytes(const std::vector<ByteRange>& some, const std::vector<ByteRange>& others) {
    return std::any_of(some.begin(), some.end(), [&](ByteRange a) {
        return std::any_of(others.begin(), others.end(), [&](ByteRange b) { return overlaps(a, b); });
    });
}

/// All of `body` that no range of `kept` (sorted by offset) covers.
void zero_between(Bytes& bytes, ByteRange body, const std::vector<ByteRange>& kept) {
    const std::uint64_t end = body.offset + body.size;
    std::uint64_t at = body.offset;
    for (const ByteRange& range : kept) {
        if (range.offset >= end) break;
        if (range.offset > at) zero(bytes, {at, range.offset - at});
        at = std::max(at, range.offset + range.size);
    }
    if (at < end) zero(bytes, {at, end - at});
}

bool stays(std::string_view type) {
    return type == "ftyp" || type == "meta" || type == "mdat";
}

}  // namespace

/// Offsets in this format are absolute, so nothing moves: what must go becomes zeros, and boxes that are not
/// needed become `free`.
Stripped strip_bmff(BytesView file) {
    const tl::expected<BmffFile, Rejection> parsed = read_bmff(file);
    if (!parsed) return tl::unexpected<Rejection>(parsed.error());
    std::vector<ByteRange> metadata;
    std::vector<ByteRange> pixels;
    for (const BmffItem& item : parsed->items) {
        std::vector<ByteRange>& group = is_picture(item) ? pixels : metadata;
        group.insert(group.end(), item.extents.begin(), item.extents.end());
    }
    std::vector<ByteRange> removed = metadata;
    for (const BmffBox& box : parsed->boxes)
        if (!stays(box.type)) removed.push_back(box.whole);
    if (parsed->trailer.size != 0) removed.push_back(parsed->trailer);
    // What goes and shares bytes with the pixels is a trick: zeroing it would damage the picture.
    if (removed.size() > kMaxRemoved || share_bytes(removed, pixels))
        return cannot_strip(RejectionCode::corrupt, "Metadata and pixels share bytes.");
    for (const BmffBox& box : parsed->boxes)
        if (box.type == "ftyp" || box.type == "meta")
            for (const ByteRange& extent : metadata)
                if (overlaps(extent, box.whole) && !within(extent, parsed->idat))
                    return cannot_strip(RejectionCode::corrupt,
                                        "Metadata lies among the file's own headers.");
    Bytes out(file.begin(), file.end());
    for (const ByteRange& extent : metadata)
        zero(out, extent);
    // What belongs to no picture that is listed could be anything.
    std::sort(pixels.begin(), pixels.end(), [](ByteRange a, ByteRange b) { return a.offset < b.offset; });
    for (const BmffBox& box : parsed->boxes)
        if (box.type == "mdat") zero_between(out, box.body, pixels);
    if (parsed->idat.size != 0) zero_between(out, parsed->idat, pixels);
    for (const BmffBox& box : parsed->boxes) {
        if (stays(box.type)) continue;
        zero(out, box.body);
        const std::size_t name = static_cast<std::size_t>(box.whole.offset) + 4;
        std::copy_n("free", 4, out.begin() + static_cast<std::ptrdiff_t>(name));
        if (box.type == "uuid") zero(out, {box.body.offset - 16, 16});
    }
    if (parsed->trailer.size != 0) out.resize(static_cast<std::size_t>(parsed->trailer.offset));
    return out;
}

}  // namespace photogate::imaging
