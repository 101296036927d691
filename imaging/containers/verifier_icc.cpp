// A colour profile, byte for byte: every tag is of a known kind and exactly as long as its values say, and nothing
// stands between tags.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging::verifier {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBroken = SIZE_MAX;
constexpr std::size_t kLargest = 4U << 20;

bool zeros(BytesView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::size_t padded(std::size_t size) {
    return size == kBroken ? kBroken : (size + 3) & ~std::size_t{3};
}

std::size_t curve_size(BytesView from) {
    const std::string_view type = text_at(from, 0, 4);
    if (type == "curv") return be(from, 8, 4) > 0x7FFF ? kBroken : 12 + 2 * std::size_t{be(from, 8, 4)};
    if (type != "para" || be(from, 10, 2) != 0) return kBroken;
    switch (be(from, 8, 2)) {
        case 0:
            return 16;
        case 1:
            return 24;
        case 2:
            return 28;
        case 3:
            return 32;
        case 4:
            return 40;
        default:
            return kBroken;
    }
}

/// Values of a grid with that many points along each input.
std::size_t grid_size(BytesView points, std::size_t outputs) {
    std::size_t size = outputs;
    for (const std::uint8_t count : points) {
        size *= count;
        if (size == 0 || size > kLargest) return kBroken;
    }
    return size;
}

std::size_t lut_size(BytesView from) {
    const std::size_t width = text_at(from, 0, 4) == "mft2" ? 2 : 1;
    const std::size_t inputs = be(from, 8, 1);
    const std::size_t outputs = be(from, 9, 1);
    if (inputs > 4 || outputs > 4 || be(from, 11, 1) != 0) return kBroken;
    const std::vector<std::uint8_t> points(inputs, static_cast<std::uint8_t>(be(from, 10, 1)));
    const std::size_t grid = grid_size(points, outputs);
    if (grid == kBroken) return kBroken;
    const std::size_t in = width == 2 ? be(from, 48, 2) : 256;
    const std::size_t out = width == 2 ? be(from, 50, 2) : 256;
    return (width == 2 ? 52U : 48U) + width * (inputs * in + grid + outputs * out);
}

/// Each part stands directly behind the one before, in the order B curves, matrix, M curves, grid, A curves.
std::size_t parts_size(BytesView from) {
    const std::size_t inputs = be(from, 8, 1);
    const std::size_t outputs = be(from, 9, 1);
    if (inputs < 1 || inputs > 4 || outputs < 1 || outputs > 4 || be(from, 10, 2) != 0) return kBroken;
    const bool from_device = text_at(from, 0, 4) == "mAB ";
    const std::size_t near = from_device ? outputs : inputs;
    const std::size_t far = from_device ? inputs : outputs;
    std::size_t at = 32;
    const auto curves = [&](std::size_t count) {
        for (std::size_t i = 0; i < count && at <= from.size(); ++i) {
            const std::size_t size = curve_size(from.subspan(at));
            if (size == kBroken || padded(size) > from.size() - at) return false;
            if (!zeros(from.subspan(at + 4, 4)) || !zeros(from.subspan(at + size, padded(size) - size)))
                return false;
            at += padded(size);
        }
        return true;
    };
    for (std::size_t part = 0; part < 5; ++part) {
        const std::size_t offset = be(from, 12 + 4 * part, 4);
        if (offset == 0) continue;
        if (offset != at || at > from.size()) return kBroken;
        if (part == 1) {
            at += 48;
        } else if (part == 3) {
            if (from.size() - at < 20) return kBroken;
            const std::size_t grid = grid_size(from.subspan(at, inputs), outputs);
            const std::size_t width = be(from, at + 16, 1);
            if (grid == kBroken || width < 1 || width > 2 || !zeros(from.subspan(at + inputs, 16 - inputs)) ||
                be(from, at + 17, 3) != 0)
                return kBroken;
            const std::size_t end = at + 20 + grid * width;
            if (end > from.size()) return kBroken;
            at = padded(end);
            if (at <= from.size() && !zeros(from.subspan(end, at - end))) return kBroken;
        } else if (!curves(part == 4 ? far : near)) {
            return kBroken;
        }
    }
    return at;
}

bool is_fixed_text(BytesView from, std::string_view words) {
    std::string old = "text" + std::string(4, '\0') + std::string(words) + '\0';
    if (words == "Colour")
        old = "desc" + std::string(7, '\0') + '\7' + std::string(words) + std::string(79, '\0');
    std::string wide = "mluc" + std::string(7, '\0') + '\1' + std::string(3, '\0') +
                       "\x0C"
                       "enUS" +
                       std::string(3, '\0') + static_cast<char>(2 * words.size()) + std::string(3, '\0') +
                       '\x1C';
    for (const char letter : words)
        (wide += '\0') += letter;
    return as_text(from) == old || as_text(from) == wide;
}

bool is_exact(std::string_view tag, BytesView from) {
    if (tag == "desc") return is_fixed_text(from, "Colour");
    if (tag == "cprt") return is_fixed_text(from, "None");
    if (from.size() < 12 || !zeros(from.subspan(4, 4))) return false;
    const std::string_view type = text_at(from, 0, 4);
    if (tag == "wtpt" || tag.ends_with("XYZ")) return type == "XYZ " && from.size() == 20;
    if (tag == "chad") return type == "sf32" && from.size() == 44;
    if (tag == "cicp") return type == "cicp" && from.size() == 12;
    if (tag.ends_with("TRC")) return from.size() == curve_size(from);
    const bool plain = type == "mft1" || type == "mft2";
    return from.size() == (plain                              ? lut_size(from)
                           : type == "mAB " || type == "mBA " ? parts_size(from)
                                                              : kBroken);
}

bool is_known(std::string_view tag) {
    constexpr std::array kTags = {"desc"sv, "cprt"sv, "wtpt"sv, "chad"sv, "cicp"sv, "rXYZ"sv,
                                  "gXYZ"sv, "bXYZ"sv, "rTRC"sv, "gTRC"sv, "bTRC"sv, "kTRC"sv,
                                  "A2B0"sv, "A2B1"sv, "A2B2"sv, "B2A0"sv, "B2A1"sv, "B2A2"sv};
    return one_of(kTags, tag);
}

bool header_is_bare(BytesView profile) {
    const bool known = profile[8] >= 2 && profile[8] <= 4 &&
                       one_of(std::array{"mntr"sv, "scnr"sv, "prtr"sv, "spac"sv}, text_at(profile, 12, 4)) &&
                       one_of(std::array{"RGB "sv, "GRAY"sv, "CMYK"sv}, text_at(profile, 16, 4)) &&
                       one_of(std::array{"XYZ "sv, "Lab "sv}, text_at(profile, 20, 4));
    return known && be(profile, 4, 4) == 0 && be(profile, 10, 2) == 0 &&
           text_at(profile, 24, 12) == "\x07\xD0\0\1\0\1\0\0\0\0\0\0"sv &&
           text_at(profile, 36, 4) == "acsp" && zeros(profile.subspan(40, 27)) && profile[67] <= 3 &&
           text_at(profile, 68, 12) == "\0\0\xF6\xD6\0\1\0\0\0\0\xD3\x2D"sv && zeros(profile.subspan(80, 48));
}

bool holds_colour_alone(BytesView profile) {
    if (profile.size() < 132 || profile.size() > kLargest || be(profile, 0, 4) != profile.size() ||
        !header_is_bare(profile))
        return false;
    const std::size_t count = be(profile, 128, 4);
    if (count > 18 || 132 + 12 * count > profile.size()) return false;
    std::vector<std::pair<std::size_t, std::size_t>> used;
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string_view tag = text_at(profile, 132 + 12 * i, 4);
        const std::size_t offset = be(profile, 136 + 12 * i, 4);
        const std::size_t size = be(profile, 140 + 12 * i, 4);
        if (offset > profile.size() || size > profile.size() - offset || !is_known(tag) ||
            std::find(seen.begin(), seen.end(), tag) != seen.end() ||
            !is_exact(tag, profile.subspan(offset, size)))
            return false;
        seen.push_back(tag);
        used.emplace_back(offset, size);
    }
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::size_t at = 132 + 12 * count;
    for (const auto& [offset, size] : used) {
        const std::size_t end = padded(at + size);
        if (offset != at || end > profile.size() || !zeros(profile.subspan(at + size, end - at - size)))
            return false;
        at = end;
    }
    return at == profile.size();
}

}  // namespace

void icc_profile(BytesView profile, Names& names) {
    if (!holds_colour_alone(profile)) names.add("icc");
}

}  // namespace photogate::imaging::verifier
