// Internal: an ISO base media file (HEIF, AVIF) as a list of boxes, items and their properties. Not
// for other modules but imaging/imager, which reads the colours of items from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "base/encoding.hpp"
#include "imaging/byte_reader.hpp"
#include "imaging/picture.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

struct BmffBox {
    std::string_view type;  ///< four bytes of the file
    ByteRange whole;
    ByteRange body;
};

struct BmffItem {
    std::uint32_t id = 0;
    std::string_view type;                  ///< `hvc1`, `grid`, `Exif`, `mime`, …
    std::string_view content_type;          ///< of `mime` items
    std::vector<ByteRange> extents;         ///< absolute, within the file
    bool resolved = false;                  ///< its extents are known: not built from another item
    std::vector<std::uint32_t> properties;  ///< indices into BmffFile::properties
};

struct BmffReference {
    std::string_view type;  ///< `thmb`, `auxl`, `cdsc`, `dimg`, …
    std::uint32_t from = 0;
    std::vector<std::uint32_t> to;
};

struct BmffFile {
    std::vector<BmffBox> boxes;  ///< top level, in file order
    std::uint32_t primary = 0;
    std::vector<BmffItem> items;
    std::unordered_map<std::uint32_t, std::size_t> places;  ///< of the items, by number
    std::vector<BmffBox> properties;
    std::vector<BmffReference> references;
    ByteRange idat;     ///< item data within the item list
    ByteRange trailer;  ///< bytes behind the last box that are no box

    const BmffItem* item(std::uint32_t id) const;
    const BmffBox* property(const BmffItem& item, std::string_view type) const;
};

/// A coded or derived picture, as opposed to metadata.
bool is_picture(const BmffItem& item);

/// The text in an `auxC` property says alpha; its first 128 bytes are looked at.
bool says_alpha(BytesView auxc_body);

/// Boxes at most eight deep and 20,000 in all; 4,096 items and properties; 256 properties of one item; 65,536
/// extents and references. Every extent within the file. Rejections: corrupt (also where the budget does not
/// allow the work), truncated.
tl::expected<BmffFile, Rejection> read_bmff(BytesView file, WorkBudget& budget);

}  // namespace photogate::imaging
