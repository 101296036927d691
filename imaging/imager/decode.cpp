#include "imaging/imager/decode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "imaging/containers/icc.hpp"
#include "imaging/imager/colour.hpp"
#include "imaging/imager/orient.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/resample.hpp"

namespace photogate::imaging {
namespace {

using Verdict = tl::expected<void, Rejection>;

/// What libjpeg calls warnings although the picture is damaged. It goes on with invented pixels; we don't.
constexpr std::array<std::string_view, 6> kDamage = {
    "bad Huffman code",        "premature end",         "found marker", "Invalid progressive parameters",
    "Unsupported marker type", "Corrupt JPEG data: bad"};

constexpr std::array<std::string_view, 6> kEarlyEnd = {"premature end", "unexpected end", "out of data",
                                                       "end of file",   "truncated",      "Not enough data"};

bool contains_any(std::string_view text, std::span<const std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

Rejection damaged(std::string_view words) {
    if (contains_any(words, kEarlyEnd))
        return {RejectionCode::truncated, "the picture ends before it is complete"};
    return {RejectionCode::corrupt, "the picture can't be decoded to its end"};
}

const char* loader_of(Format format) {
    switch (format) {
        case Format::jpeg:
            return "jpegload_buffer";
        case Format::png:
            return "pngload_buffer";
        case Format::webp:
            return "webpload_buffer";
        case Format::gif:
            return "gifload_buffer";
        case Format::heic:
        case Format::avif:
            return "heifload_buffer";
        case Format::tiff:
            return "tiffload_buffer";
    }
    return "";
}

/// The header alone, by the loader that the container calls for and no other.
tl::expected<Image, Rejection> open(const Decoding& what) {
    vips_error_clear();
    Image image;
    VipsBlob* blob = vips_blob_new(nullptr, what.bytes.data(), what.bytes.size());
    const int failed =
        vips_call(loader_of(what.inspection->format), blob, static_cast<VipsImage**>(OutImage(image)),
                  "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, nullptr);
    vips_area_unref(VIPS_AREA(blob));
    if (failed != 0 || !image) return tl::unexpected(decoding_failure());
    return image;
}

/// The decoder's own idea of the size is held to the same limits: a second opinion on the walk over the
/// headers.
Verdict within(const Limits& limits, VipsImage* image) {
    const auto width = static_cast<std::uint64_t>(vips_image_get_width(image));
    const auto height = static_cast<std::uint64_t>(vips_image_get_page_height(image));
    if (width > limits.max_side || height > limits.max_side || width * height > limits.max_pixels) {
        return tl::unexpected(Rejection{RejectionCode::too_many_pixels, "the picture has too many pixels"});
    }
    return {};
}

/// Kinds of TIFF whose numbers libvips hands out without knowing what they mean (ICC and ITU Lab, LogLuv), or
/// whose alpha it mixes up with the colours (Lab).
bool has_known_colours(VipsImage* image) {
    switch (vips_image_get_interpretation(image)) {
        case VIPS_INTERPRETATION_MULTIBAND:
            return false;
        case VIPS_INTERPRETATION_LAB:
        case VIPS_INTERPRETATION_LABS:
            return vips_image_get_bands(image) == 3;
        default:
            return true;
    }
}

bool is_cmyk(VipsImage* image) {
    return vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
}

/// Without a profile the inks are unknown: each is taken as ideal, as browsers do, so that black ink alone is
/// black. (A profile of some press makes a dark grey of it.) 0 is no ink.
Image ideal_inks(VipsImage* opened) {
    Image light, colours, black, product, scaled, named;
    if (vips_invert(opened, OutImage(light), nullptr) != 0) return {};
    if (vips_extract_band(light.get(), OutImage(colours), 0, "n", 3, nullptr) != 0) return {};
    if (vips_extract_band(light.get(), OutImage(black), 3, nullptr) != 0) return {};
    if (vips_multiply(colours.get(), black.get(), OutImage(product), nullptr) != 0) return {};
    if (vips_linear1(product.get(), OutImage(scaled), 1.0 / 255, 0.5, "uchar", TRUE, nullptr) != 0) return {};
    if (vips_copy(scaled.get(), OutImage(named), "interpretation", VIPS_INTERPRETATION_sRGB, nullptr) != 0)
        return {};
    return named;
}

/// libvips 8.14's thumbnail ignores a CMYK picture's own profile (trap 4): the colours are made sRGB first,
/// at full size. The perceptual intent everywhere: with the default one, perceptual-only profiles (XYB) are
/// silently skipped (trap 5).
Image shrink_cmyk(VipsImage* opened, int edge) {
    Image rgb;
    if (vips_image_get_typeof(opened, VIPS_META_ICC_NAME) == 0 &&
        vips_image_get_format(opened) == VIPS_FORMAT_UCHAR && vips_image_get_bands(opened) == 4) {
        rgb = ideal_inks(opened);
    } else {
        vips_icc_transform(opened, OutImage(rgb), "srgb", "embedded", TRUE, "input_profile", "cmyk", "intent",
                           VIPS_INTENT_PERCEPTUAL, nullptr);
    }
    if (!rgb) return {};
    Image small;
    vips_thumbnail_image(rgb.get(), OutImage(small), edge, "height", edge, "size", VIPS_SIZE_DOWN,
                         "no_rotate", TRUE, nullptr);
    return small;
}

/// What a thumbnail is exported to. Without it a tagged picture keeps its profile, and dropping that later
/// would shift the colours (trap 6); with it an untagged one makes a detour through Lab that darkens it by a
/// level or two.
const char* target_profile(VipsImage* opened, ColourSpace space) {
    const BytesView profile = profile_of(opened);
    return profile.empty() || is_profile_of(profile, space) ? nullptr : name_of(space);
}

/// Without shrink-on-load. HEIF goes this way because libvips would take the embedded thumbnail, which may be
/// broken (trap 11) or another picture than the one that has to be proved; TIFF because of its reduced pages.
Image shrink_opened(VipsImage* opened, int edge, ColourSpace space) {
    const char* profile = target_profile(opened, space);
    Image small;
    vips_thumbnail_image(opened, OutImage(small), edge, "height", edge, "size", VIPS_SIZE_DOWN, "no_rotate",
                         TRUE, "export_profile", profile, "intent", VIPS_INTENT_PERCEPTUAL, nullptr);
    return small;
}

/// With shrink-on-load where the format has it. `export_profile`: without it a thumbnail keeps the source's
/// profile, and dropping that later would shift the colours (trap 6). `options` says fail_on to the loader
/// itself: 8.14's thumbnail_buffer has the argument and does not pass it on.
Image shrink_buffer(BytesView bytes, int edge, const char* options, const char* profile) {
    Image small;
    // libvips' signature is not const; it only reads.
    vips_thumbnail_buffer(const_cast<std::uint8_t*>(bytes.data()), bytes.size(), OutImage(small), edge,
                          "height", edge, "size", VIPS_SIZE_DOWN, "no_rotate", TRUE, "export_profile",
                          profile, "intent", VIPS_INTENT_PERCEPTUAL, "fail_on", VIPS_FAIL_ON_ERROR,
                          "option_string", options, nullptr);
    return small;
}

/// In the file's own numbers and depth, of which the colours are made afterwards. libvips' thumbnail would take
/// 16-bit numbers for sRGB and round them to 8 bit, too few for the dark parts of HDR.
Image shrink_device(VipsImage* opened, int edge) {
    const int width = vips_image_get_width(opened), height = vips_image_get_page_height(opened);
    const double scale = static_cast<double>(edge) / std::max(width, height);
    Image small;
    if (has_alpha(opened) || vips_image_get_format(opened) != VIPS_FORMAT_USHORT) {
        vips_thumbnail_image(opened, OutImage(small), edge, "height", edge, "size", VIPS_SIZE_DOWN,
                             "no_rotate", TRUE, nullptr);
    } else if (scale >= 1) {
        vips_copy(opened, OutImage(small), nullptr);
    } else {
        vips_resize(opened, OutImage(small), scale, nullptr);
    }
    return small;
}

/// How much smaller libjpeg decodes it: at least a factor of 1.5 is left to the better filter, and of two where libjpeg
/// takes averages of whole blocks. With 1.5 the result is by 0.001 to 0.004 of SSIMULACRA another than by the filter
/// alone, where encoding it costs 0.02 to 0.03, and there is a quarter of the pixels to work on.
int shrink_on_load(VipsImage* opened, int edge) {
    const double factor =
        static_cast<double>(std::max(vips_image_get_width(opened), vips_image_get_height(opened))) / edge;
    return factor >= 16 ? 8 : factor >= 6 ? 4 : factor >= 3 ? 2 : 1;
}

/// By our own filter, and then to that colour space.
Image shrink_plain(VipsImage* opened, int edge, ColourSpace space) {
    Image small = shrunk_to(opened, edge);
    const char* target = target_profile(opened, space);
    if (!small || target == nullptr) return small;
    const BytesView profile = profile_of(opened);
    if (small.get() != opened)
        vips_image_set_blob_copy(small.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
    Image exported;
    vips_icc_transform(small.get(), OutImage(exported), target, "embedded", TRUE, "intent",
                       VIPS_INTENT_PERCEPTUAL, nullptr);
    return exported;
}

Image shrink_jpeg(BytesView bytes, VipsImage* opened, int edge, ColourSpace space) {
    const int on_load = shrink_on_load(opened, edge);
    if (on_load == 1) return shrink_plain(opened, edge, space);
    Image smaller;
    // libvips' signature is not const; it only reads.
    vips_jpegload_buffer(const_cast<std::uint8_t*>(bytes.data()), bytes.size(), OutImage(smaller), "shrink",
                         on_load, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, nullptr);
    return smaller ? shrink_plain(smaller.get(), edge, space) : Image{};
}

/// What the pixels become: Display P3 where that is wanted and there is something to keep. Inks become sRGB.
ColourSpace space_of(const Decoding& what, VipsImage* opened, const ColourTags& tags) {
    const bool kept = what.gamut == Gamut::kept && vips_image_get_bands(opened) >= 3 && !is_cmyk(opened);
    return kept && (are_wide(tags) || is_wide_icc(profile_of(opened))) ? ColourSpace::display_p3
                                                                       : ColourSpace::srgb;
}

/// `colour` where the file tells its colours without a profile.
Image shrink(const Decoding& what, VipsImage* opened, const std::optional<SourceColour>& colour,
             ColourSpace space) {
    const int edge = static_cast<int>(what.max_edge);
    if (colour) {
        const Image small = shrink_device(opened, edge);
        return small ? convert_colours(small.get(), *colour) : Image{};
    }
    if (is_cmyk(opened)) return shrink_cmyk(opened, edge);
    const bool plain = can_resample(opened);
    switch (what.inspection->format) {
        case Format::heic:
        case Format::avif:
        case Format::tiff:
            return plain ? shrink_plain(opened, edge, space) : shrink_opened(opened, edge, space);
        case Format::jpeg:
            if (plain) return shrink_jpeg(what.bytes, opened, edge, space);
            return shrink_buffer(what.bytes, edge, "[fail_on=error]", target_profile(opened, space));
        case Format::png:
            if (plain) return shrink_plain(opened, edge, space);
            return shrink_buffer(what.bytes, edge, "[fail_on=error]", target_profile(opened, space));
        case Format::webp:
        case Format::gif:
            return shrink_buffer(what.bytes, edge, "[fail_on=error]", target_profile(opened, space));
    }
    return {};
}

/// Restart markers confine damage to the part between two of them.
bool may_be_damaged(const Decoding& what) {
    return what.limits->damaged_intervals == DamagedIntervals::publish &&
           what.inspection->restart_intervals > 1;
}

/// Parts of a JPEG that are wrong or lost, where that is too much.
std::optional<Rejection> restart_fault(const Decoding& what) {
    const std::uint32_t faults = what.inspection->restart_faults;
    const std::uint32_t intervals = what.inspection->restart_intervals;
    if (faults == 0 || (may_be_damaged(what) && faults <= std::max(1U, intervals / 10))) return std::nullopt;
    return Rejection{RejectionCode::corrupt, std::to_string(std::min(faults, intervals)) + " of " +
                                                 std::to_string(intervals) +
                                                 " restart intervals of the JPEG are damaged"};
}

}  // namespace

Rejection decoding_failure() {
    const std::string words = take_vips_words();
    if (contains_any(words,
                     std::array<std::string_view, 2>{"operation is blocked", "is not in a known format"})) {
        return {RejectionCode::unsupported_format, "no decoder takes this kind of picture"};
    }
    return damaged(words);
}

tl::expected<Decoded, Rejection> decode(const Decoding& what) {
    if (auto fault = restart_fault(what)) return tl::unexpected(std::move(*fault));
    auto opened = open(what);
    if (!opened) return tl::unexpected(opened.error());
    if (auto fits = within(*what.limits, opened->get()); !fits) return tl::unexpected(fits.error());
    Decoded decoded;
    decoded.width = static_cast<std::uint32_t>(vips_image_get_width(opened->get()));
    decoded.height = static_cast<std::uint32_t>(vips_image_get_page_height(opened->get()));

    if (!has_known_colours(opened->get())) {
        return tl::unexpected(Rejection{RejectionCode::unsupported_format,
                                        "the picture's colours are of a kind that is not taken"});
    }
    const ColourTags tags = read_colour_tags(what.bytes, what.inspection->format);
    decoded.space = space_of(what, opened->get(), tags);
    const auto colour = source_colour(tags, decoded.space);
    if (colour && colour->is_hdr() && what.limits->hdr == HdrPolicy::refuse) {
        return tl::unexpected(Rejection{RejectionCode::unsupported_format,
                                        "an HDR picture (PQ or HLG), which is not taken here"});
    }

    const Image small = shrink(what, opened->get(), colour, decoded.space);
    const Image flat = small ? to_eight_bit_srgb(small.get()) : Image{};
    // Here the decode happens, once, and its result stays: a second save of a lazy image fails (trap 14).
    if (flat) decoded.base.reset(vips_image_copy_memory(flat.get()));
    if (!decoded.base) return tl::unexpected(decoding_failure());
    // Success leaves words too (trap 10); only libjpeg's are worth a look, because `fail_on` takes no notice
    // (trap 7).
    const std::string words = take_vips_words();
    decoded.damaged_intervals = what.inspection->restart_faults;
    if (what.inspection->format == Format::jpeg && contains_any(words, kDamage)) {
        if (!may_be_damaged(what)) return tl::unexpected(damaged(words));
        decoded.damaged_intervals = std::max(1U, decoded.damaged_intervals);
    }
    drop_fields(decoded.base.get(), Fields::none);

    // Turned by the orientation that our own reader found: the decoder never sees an Exif block (trap 23).
    // HEIF's is 1 here, because libheif has turned the picture already.
    const std::uint8_t orientation = what.inspection->orientation;
    if (orientation >= 5) std::swap(decoded.width, decoded.height);
    decoded.base = make_upright(std::move(decoded.base), orientation);
    if (!decoded.base) return tl::unexpected(decoding_failure());
    return decoded;
}

tl::expected<Image, Rejection> open_animation(const Decoding& what) {
    vips_error_clear();
    Image roll = shrink_buffer(what.bytes, static_cast<int>(what.max_edge), "[n=-1,fail_on=error]",
                               what.inspection->has_icc ? "srgb" : nullptr);
    if (roll) roll = to_eight_bit_srgb(roll.get());
    if (!roll) return tl::unexpected(decoding_failure());
    drop_fields(roll.get(), Fields::timing);
    return roll;
}

tl::expected<void, Rejection> prove_animation(const Decoding& what) {
    auto roll = open_animation(what);
    if (!roll) return tl::unexpected(roll.error());
    double average = 0;
    if (vips_avg(roll->get(), &average, nullptr) != 0) return tl::unexpected(decoding_failure());
    vips_error_clear();
    return {};
}

}  // namespace photogate::imaging
