#include "imaging/version_wire.hpp"

#include <string>

#include "imaging/caption.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {
namespace {

using members::choice;
using members::format_member;
using members::json;
using members::number;
using members::ProtocolError;
using members::text;

constexpr std::size_t kLongestText = 1'024;

std::string_view word(Watermark::Source source) {
    return source == Watermark::Source::marked ? "marked" : "clean";
}

json watermark_to_json(const Watermark& mark) {
    json out{{"sha256", mark.sha256},
             {"gravity", to_string(mark.gravity)},
             {"size", mark.size},
             {"opacity", mark.opacity},
             {"offset_x", mark.offset_x},
             {"offset_y", mark.offset_y},
             {"tiling", to_string(mark.tiling)},
             {"source", word(mark.source)}};
    if (!mark.picture) {
        out["text"] = mark.text;
        out["font"] = mark.font;
        if (mark.taken_at) out["taken_at"] = *mark.taken_at;
    }
    return out;
}

Watermark watermark_from_json(const json& from, const Pictures& pictures) {
    Watermark mark;
    mark.sha256 = text(from, "sha256", 64);
    mark.gravity = choice(from, "gravity", kAllGravities);
    mark.size = number<std::uint32_t>(from, "size");
    mark.opacity = number<std::uint32_t>(from, "opacity");
    mark.offset_x = number<std::uint32_t>(from, "offset_x");
    mark.offset_y = number<std::uint32_t>(from, "offset_y");
    mark.tiling = choice(from, "tiling", {Tiling::once, Tiling::tiled});
    mark.source = choice(from, "source", {Watermark::Source::clean, Watermark::Source::marked}, word);
    if (from.contains("text")) {
        mark.text = text(from, "text", kLongestCaption);
        mark.font = text(from, "font", kLongestText);
        if (from.contains("taken_at")) mark.taken_at = text(from, "taken_at", kLongestText);
        return mark;
    }
    const auto found = pictures.find(mark.sha256);
    if (found == pictures.end()) throw ProtocolError{"the picture of a watermark is missing"};
    mark.picture = found->second;
    return mark;
}

}  // namespace

Pictures pictures_of_order(const json& from, BytesView body) {
    if (!from.is_array() || from.size() > kMaxWatermarkPictures)
        throw ProtocolError{"watermarks is no list of at most " + std::to_string(kMaxWatermarkPictures)};
    Pictures pictures;
    std::size_t at = 0;
    for (const json& each : from) {
        const auto size = number<std::uint64_t>(each, "size", 1, kMaxWatermark);
        if (size > body.size() - at) throw ProtocolError{"a watermark has not all of its bytes"};
        const BytesView part = body.subspan(at, static_cast<std::size_t>(size));
        pictures[text(each, "sha256", 64)] = std::make_shared<const Bytes>(part.begin(), part.end());
        at += part.size();
    }
    if (at != body.size()) throw ProtocolError{"there are bytes of no watermark"};
    return pictures;
}

json version_to_json(const VersionSpec& spec) {
    json version{{"mode", to_string(spec.mode)},
                 {"max_edge", spec.max_edge},
                 {"fit", to_string(spec.fit)},
                 {"reshape", to_string(spec.reshape)},
                 {"gravity", to_string(spec.gravity)},
                 {"quality", spec.quality},
                 {"growth", to_string(spec.growth)},
                 {"gamut", to_string(spec.gamut)},
                 {"sharpening", to_string(spec.sharpening)}};
    if (spec.format) version["format"] = to_string(*spec.format);
    if (spec.crop) version["crop"] = {{"width", spec.crop->width}, {"height", spec.crop->height}};
    if (spec.max_bytes != 0) version["max_bytes"] = spec.max_bytes;
    if (spec.watermark) version["watermark"] = watermark_to_json(*spec.watermark);
    return version;
}

VersionSpec version_from_json(const json& from, const Pictures& pictures) {
    VersionSpec spec;
    spec.mode = choice(from, "mode", {PublishMode::reencode, PublishMode::strip});
    spec.max_edge = number<std::uint32_t>(from, "max_edge", 1);
    spec.fit = choice(from, "fit", {Fit::inside, Fit::outside});
    spec.reshape = choice(from, "reshape", {Reshape::crop, Reshape::stretch});
    spec.gravity = choice(from, "gravity", kAllGravities);
    spec.quality = number<int>(from, "quality", 1, 100);
    spec.growth = choice(from, "growth", {Growth::avoid, Growth::accept});
    spec.gamut = choice(from, "gamut", {Gamut::srgb, Gamut::kept});
    spec.sharpening = choice(from, "sharpening", {Sharpening::off, Sharpening::mild});
    if (from.contains("format")) spec.format = format_member(from, "format");
    if (from.contains("crop"))
        spec.crop = Aspect{number<std::uint32_t>(from["crop"], "width", 1),
                           number<std::uint32_t>(from["crop"], "height", 1)};
    if (from.contains("max_bytes")) spec.max_bytes = number<ByteSize>(from, "max_bytes", 1);
    if (from.contains("watermark")) spec.watermark = watermark_from_json(from["watermark"], pictures);
    if (const auto complaint = complaint_about(spec)) throw ProtocolError{*complaint};
    return spec;
}

}  // namespace photogate::imaging
