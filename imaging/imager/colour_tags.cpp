#include "imaging/imager/colour_tags.hpp"

#include <array>
#include <string_view>

#include "imaging/containers/bmff_items.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint64_t kPngSignature = 8;
constexpr double kPngUnit = 100'000;  ///< gAMA and cHRM are stored times this

struct PngTags {
    std::optional<CodePoints> cicp;
    std::optional<double> gamma;
    std::optional<Chromaticities> chromaticities;
    bool has_profile = false;
    bool is_srgb = false;
};

std::optional<Chromaticities> chromaticities(BytesView body) {
    ByteReader reader(body);
    std::array<Chromaticity, 4> points;
    for (Chromaticity& point : points) {
        point.x = reader.u32() / kPngUnit;
        point.y = reader.u32() / kPngUnit;
        // No light has y = 0, and x + y is at most 1.
        if (!reader.ok() || point.y <= 0 || point.x + point.y > 1) return std::nullopt;
    }
    return Chromaticities{points[0], points[1], points[2], points[3]};
}

void read_chunk(std::string_view type, BytesView body, PngTags& tags) {
    ByteReader reader(body);
    // cICP of an RGB picture has matrix 0; with another one the chunk is not valid and is ignored.
    if (type == "cICP" && body.size() == 4 && body[2] == 0 && !tags.cicp)
        tags.cicp = CodePoints{body[0], body[1]};
    if (type == "iCCP") tags.has_profile = true;
    if (type == "sRGB") tags.is_srgb = true;
    if (type == "cHRM" && body.size() == 32 && !tags.chromaticities)
        tags.chromaticities = chromaticities(body);
    if (type == "gAMA" && body.size() == 4 && !tags.gamma) {
        if (const std::uint32_t gamma = reader.u32(); gamma != 0) tags.gamma = gamma / kPngUnit;
    }
}

ColourTags read_png(BytesView file) {
    PngTags tags;
    ByteReader reader(file);
    reader.seek(kPngSignature);
    while (reader.ok()) {
        const std::uint32_t length = reader.u32();
        const std::string_view type = reader.text(4);
        if (type == "IDAT" || type == "IEND") break;
        const BytesView body = reader.take(length);
        reader.skip(4);
        if (reader.ok()) read_chunk(type, body, tags);
    }
    if (tags.cicp) {
        return {.code_points = tags.cicp,
                .video_curve = ColourTags::VideoCurve::bt1886,
                .gamma = {},
                .chromaticities = {}};
    }
    if (tags.has_profile || tags.is_srgb) return {};
    return {.code_points = {}, .video_curve = {}, .gamma = tags.gamma, .chromaticities = tags.chromaticities};
}

struct ItemColour {
    std::optional<CodePoints> code_points;
    bool has_profile = false;
};

ItemColour colour_of(BytesView file, const BmffFile& bmff, const BmffItem& item) {
    ItemColour colour;
    for (const std::uint32_t index : item.properties) {
        const BmffBox& box = bmff.properties[index];
        if (box.type != "colr") continue;
        ByteReader reader(slice(file, box.body));
        const std::string_view kind = reader.text(4);
        if (kind == "prof" || kind == "rICC") colour.has_profile = true;
        const std::uint16_t primaries = reader.u16();
        const std::uint16_t transfer = reader.u16();
        if (kind == "nclx" && reader.ok() && !colour.code_points)
            colour.code_points =
                CodePoints{static_cast<std::uint8_t>(primaries), static_cast<std::uint8_t>(transfer)};
    }
    return colour;
}

/// Of the primary picture; a grid may leave its colour to its tiles.
ColourTags read_heif(BytesView file) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    const auto bmff = read_bmff(file, budget);
    if (!bmff) return {};
    const BmffItem* primary = bmff->item(bmff->primary);
    if (primary == nullptr) return {};
    ItemColour colour = colour_of(file, *bmff, *primary);
    if (!colour.has_profile && !colour.code_points) {
        for (const BmffReference& reference : bmff->references) {
            if (reference.type != "dimg" || reference.from != bmff->primary || reference.to.empty()) continue;
            if (const BmffItem* tile = bmff->item(reference.to.front()))
                colour = colour_of(file, *bmff, *tile);
            break;
        }
    }
    if (colour.has_profile) return {};
    return {.code_points = colour.code_points, .video_curve = {}, .gamma = {}, .chromaticities = {}};
}

}  // namespace

ColourTags read_colour_tags(BytesView file, Format format) {
    switch (format) {
        case Format::png:
            return read_png(file);
        case Format::heic:
        case Format::avif:
            return read_heif(file);
        case Format::jpeg:
        case Format::webp:
        case Format::gif:
        case Format::tiff:
            return {};
    }
    return {};
}

}  // namespace photogate::imaging
