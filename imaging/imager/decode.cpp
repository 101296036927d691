#include "imaging/imager/decode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "imaging/imager/orient.hpp"
#include "imaging/imager/pixels.hpp"

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
        return {RejectionCode::truncated, "The picture ends before it is complete."};
    return {RejectionCode::corrupt, "The picture can't be decoded to its end."};
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
        return tl::unexpected(Rejection{RejectionCode::too_many_pixels, "The picture has too many pixels."});
    }
    return {};
}

bool is_cmyk(VipsImage* image) {
    return vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
}

/// libvips 8.14's thumbnail ignores a CMYK picture's own profile (trap 4): the colours are made sRGB first,
/// at full size. The perceptual intent everywhere: with the default one, perceptual-only profiles (XYB) are
/// silently skipped (trap 5).
Image shrink_cmyk(VipsImage* opened, int edge) {
    Image rgb;
    if (vips_icc_transform(opened, OutImage(rgb), "srgb", "embedded", TRUE, "input_profile", "cmyk", "intent",
                           VIPS_INTENT_PERCEPTUAL, nullptr) != 0) {
        return {};
    }
    Image small;
    vips_thumbnail_image(rgb.get(), OutImage(small), edge, "height", edge, "size", VIPS_SIZE_DOWN,
                         "no_rotate", TRUE, nullptr);
    return small;
}

/// What a thumbnail is exported to. Without it a tagged picture keeps its profile, and dropping that later
/// would shift the colours (trap 6); with it an untagged one makes a detour through Lab that darkens it by a
/// level or two.
const char* target_profile(VipsImage* opened) {
    return vips_image_get_typeof(opened, VIPS_META_ICC_NAME) != 0 ? "srgb" : nullptr;
}

/// Without shrink-on-load. HEIF goes this way because libvips would take the embedded thumbnail, which may be
/// broken (trap 11) or another picture than the one that has to be proved; TIFF because of its reduced pages.
Image shrink_opened(VipsImage* opened, int edge) {
    const char* profile = target_profile(opened);
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

Image shrink(const Decoding& what, VipsImage* opened) {
    const int edge = static_cast<int>(what.max_edge);
    if (is_cmyk(opened)) return shrink_cmyk(opened, edge);
    switch (what.inspection->format) {
        case Format::heic:
        case Format::avif:
        case Format::tiff:
            return shrink_opened(opened, edge);
        case Format::jpeg:
        case Format::png:
        case Format::webp:
        case Format::gif:
            return shrink_buffer(what.bytes, edge, "[fail_on=error]", target_profile(opened));
    }
    return {};
}

}  // namespace

Rejection decoding_failure() {
    const std::string words = take_vips_words();
    if (contains_any(words,
                     std::array<std::string_view, 2>{"operation is blocked", "is not in a known format"})) {
        return {RejectionCode::unsupported_format, "No decoder takes this kind of picture."};
    }
    return damaged(words);
}

tl::expected<Decoded, Rejection> decode(const Decoding& what) {
    auto opened = open(what);
    if (!opened) return tl::unexpected(opened.error());
    if (auto fits = within(*what.limits, opened->get()); !fits) return tl::unexpected(fits.error());
    Decoded decoded;
    decoded.width = static_cast<std::uint32_t>(vips_image_get_width(opened->get()));
    decoded.height = static_cast<std::uint32_t>(vips_image_get_page_height(opened->get()));

    const Image small = shrink(what, opened->get());
    const Image flat = small ? to_eight_bit_srgb(small.get()) : Image{};
    // Here the decode happens, once, and its result stays: a second save of a lazy image fails (trap 14).
    if (flat) decoded.base.reset(vips_image_copy_memory(flat.get()));
    if (!decoded.base) return tl::unexpected(decoding_failure());
    // Success leaves words too (trap 10); only libjpeg's are worth a look, because `fail_on` takes no notice
    // (trap 7).
    const std::string words = take_vips_words();
    if (what.inspection->format == Format::jpeg && contains_any(words, kDamage)) {
        return tl::unexpected(damaged(words));
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
