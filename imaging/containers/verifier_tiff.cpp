#include <string_view>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging::verifier {

namespace {

using Number = std::uint32_t (*)(BytesView, std::size_t, std::size_t);

constexpr std::uint32_t kMaxEntries = 512;

Number byte_order(BytesView bytes) {
    return as_text(bytes).starts_with("II") ? le : be;
}

/// What a picture needs of its directory (TIFF 6, baseline and the usual extensions), resolution and profile
/// included.
bool is_drawing_tag(std::uint32_t tag) {
    switch (tag) {
        case 254:
        case 256:
        case 257:
        case 258:
        case 259:
        case 262:
        case 266:
        case 273:
        case 274:
        case 277:
        case 278:
        case 279:
        case 282:
        case 283:
        case 284:
        case 296:
        case 317:
        case 320:
        case 322:
        case 323:
        case 324:
        case 325:
        case 338:
        case 339:
        case 347:
        case 530:
        case 531:
        case 532:
        case 34675:
            return true;
        default:
            return false;
    }
}

std::string tag_name(std::uint32_t tag) {
    switch (tag) {
        case 34665:
            return "exif";
        case 34853:
            return "exif.gps";
        case 700:
            return "xmp";
        case 33723:
            return "iptc";
        case 34377:
            return "photoshop";
        case 330:
            return "further_pictures";
        default:
            return "tag:" + std::to_string(tag);
    }
}

}  // namespace

void exif_block(BytesView tiff, Names& names) {
    const Number number = byte_order(tiff);
    const std::uint32_t first = number(tiff, 4, 4);
    const std::uint32_t entries = number(tiff, first, 2);
    const std::size_t end = static_cast<std::size_t>(first) + 2 + 12 * static_cast<std::size_t>(entries) + 4;
    const bool only_orientation = tiff.size() == end && first == 8 && entries == 1 &&
                                  number(tiff, 10, 2) == 0x0112 && number(tiff, 12, 2) == 3 &&
                                  number(tiff, 14, 4) == 1 && number(tiff, end - 4, 4) == 0 &&
                                  number(tiff, 18, 2) <= 8 && number(tiff, 20, 2) == 0;
    if (only_orientation) return;
    names.add("exif");
    if (end > tiff.size() || entries > kMaxEntries) return;
    for (std::uint32_t i = 0; i < entries; ++i)
        if (number(tiff, first + 2 + 12 * static_cast<std::size_t>(i), 2) == 0x8825) names.add("exif.gps");
    if (number(tiff, end - 4, 4) != 0) names.add("exif.thumbnail");
}

void tiff(BytesView file, Names& names) {
    const Number number = byte_order(file);
    const std::uint32_t first = number(file, 4, 4);
    const std::uint32_t entries = number(file, first, 2);
    const std::size_t end = static_cast<std::size_t>(first) + 2 + 12 * static_cast<std::size_t>(entries) + 4;
    if (number(file, 2, 2) != 42 || end > file.size() || entries == 0 || entries > kMaxEntries) {
        names.add("unreadable");
        return;
    }
    for (std::uint32_t i = 0; i < entries; ++i) {
        const std::uint32_t tag = number(file, first + 2 + 12 * static_cast<std::size_t>(i), 2);
        if (!is_drawing_tag(tag)) names.add(tag_name(tag));
    }
    if (number(file, end - 4, 4) != 0) names.add("further_pictures");
}

}  // namespace photogate::imaging::verifier
