#include <algorithm>
#include <vector>

#include "imaging/containers/bmff_items.hpp"
#include "imaging/containers/icc.hpp"
#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

void zero(Bytes& bytes, ByteRange range) {
    if (!fits(range, bytes.size())) return;
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(range.offset);
    std::fill(start, start + static_cast<std::ptrdiff_t>(range.size), std::uint8_t{0});
}

bool within(ByteRange inner, ByteRange outer) {
    return inner.offset >= outer.offset && inner.offset + inner.size <= outer.offset + outer.size;
}

/// The same bytes as ranges in order that do not overlap, without empty ones.
std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](ByteRange a, ByteRange b) { return a.offset < b.offset; });
    std::vector<ByteRange> out;
    for (const ByteRange& range : ranges) {
        if (range.size == 0) continue;
        if (out.empty() || range.offset >= out.back().offset + out.back().size) {
            out.push_back(range);
            continue;
        }
        ByteRange& last = out.back();
        last.size = std::max(last.offset + last.size, range.offset + range.size) - last.offset;
    }
    return out;
}

/// The first of `ranges` (merged) that ends behind `offset`.
auto first_behind(const std::vector<ByteRange>& ranges, std::uint64_t offset) {
    return std::partition_point(ranges.begin(), ranges.end(),
                                [&](ByteRange range) { return range.offset + range.size <= offset; });
}

/// Both merged.
bool share_bytes(const std::vector<ByteRange>& some, const std::vector<ByteRange>& others) {
    return std::any_of(some.begin(), some.end(), [&](ByteRange range) {
        const auto other = first_behind(others, range.offset);
        return other != others.end() && other->offset < range.offset + range.size;
    });
}

/// All of `body` that no range of `kept` (merged) covers.
void zero_between(Bytes& bytes, ByteRange body, const std::vector<ByteRange>& kept) {
    const std::uint64_t end = body.offset + body.size;
    std::uint64_t at = body.offset;
    for (auto range = first_behind(kept, at); range != kept.end() && range->offset < end; ++range) {
        if (range->offset > at) zero(bytes, {at, range->offset - at});
        at = std::max(at, range->offset + range->size);
    }
    if (at < end) zero(bytes, {at, end - at});
}

/// A colour profile is rebuilt where it stands, with zeros behind it, where the new one is not larger than the old.
void clean_profile(Bytes& bytes, ByteRange colr) {
    const BytesView body = slice(bytes, colr);
    if (!starts_with(body, "prof") && !starts_with(body, "rICC")) return;
    const auto rebuilt = rebuild_icc(body.subspan(4));
    if (!rebuilt || rebuilt->size() > body.size() - 4) return;
    zero(bytes, {colr.offset + 4, colr.size - 4});
    std::copy(rebuilt->begin(), rebuilt->end(), bytes.begin() + static_cast<std::ptrdiff_t>(colr.offset) + 4);
}

bool stays(std::string_view type) {
    return type == "ftyp" || type == "meta" || type == "mdat";
}

}  // namespace

/// Offsets in this format are absolute, so nothing moves: what must go becomes zeros, and boxes that are not
/// needed become `free`.
Stripped strip_bmff(BytesView file, WorkBudget& budget) {
    const tl::expected<BmffFile, Rejection> parsed = read_bmff(file, budget);
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
    metadata = merged(std::move(metadata));
    pixels = merged(std::move(pixels));
    // Merged, no byte is copied or zeroed more than a few times.
    if (!budget.charge(4 * file.size() + kEntryWork * (removed.size() + pixels.size())))
        return cannot_strip(RejectionCode::corrupt, kTooMuchWork);
    // What goes and shares bytes with the pixels is a trick: zeroing it would damage the picture.
    if (share_bytes(merged(removed), pixels))
        return cannot_strip(RejectionCode::corrupt, "metadata and pixels share bytes");
    for (const BmffBox& box : parsed->boxes) {
        if (box.type != "ftyp" && box.type != "meta") continue;
        for (auto extent = first_behind(metadata, box.whole.offset);
             extent != metadata.end() && extent->offset < box.whole.offset + box.whole.size; ++extent)
            if (!within(*extent, parsed->idat))
                return cannot_strip(RejectionCode::corrupt, "metadata lies among the file's own headers");
    }
    Bytes out(file.begin(), file.end());
    for (const ByteRange& extent : metadata)
        zero(out, extent);
    // What belongs to no picture that is listed could be anything.
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
    for (const BmffBox& property : parsed->properties)
        if (property.type == "colr" && budget.charge(4 * property.body.size))
            clean_profile(out, property.body);
    if (parsed->trailer.size != 0) out.resize(static_cast<std::size_t>(parsed->trailer.offset));
    return out;
}

}  // namespace photogate::imaging
