#include "imaging/imager/colour_space.hpp"

#include <algorithm>

#include "imaging/containers/icc.hpp"
#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {

const char* name_of(ColourSpace space) {
    switch (space) {
        case ColourSpace::srgb:
            return "srgb";
        case ColourSpace::display_p3:
            return "p3";
    }
    return "srgb";
}

BytesView profile_of(VipsImage* image) {
    const void* start = nullptr;
    std::size_t size = 0;
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) == 0 ||
        vips_image_get_blob(image, VIPS_META_ICC_NAME, &start, &size) != 0)
        return {};
    return {static_cast<const std::uint8_t*>(start), size};
}

const Bytes& display_p3_profile() {
    static const Bytes profile = [] {
        VipsBlob* blob = nullptr;
        if (vips_profile_load(name_of(ColourSpace::display_p3), &blob, nullptr) != 0 || blob == nullptr)
            return Bytes{};
        std::size_t size = 0;
        const auto* start = static_cast<const std::uint8_t*>(vips_blob_get(blob, &size));
        Bytes clean = publishable_icc({start, size}, ColourModel::rgb);
        vips_area_unref(VIPS_AREA(blob));
        return clean;
    }();
    return profile;
}

bool is_profile_of(BytesView profile, ColourSpace space) {
    if (space == ColourSpace::srgb) return false;
    const Bytes& own = display_p3_profile();
    return std::equal(profile.begin(), profile.end(), own.begin(), own.end());
}

bool can_be_display_p3(Format format) {
    switch (format) {
        case Format::jpeg:
        case Format::png:
        case Format::webp:
        case Format::avif:
            return true;
        case Format::gif:
        case Format::heic:
        case Format::tiff:
            return false;
    }
    return false;
}

Image to_space(VipsImage* in_memory, ColourSpace from, ColourSpace to) {
    Image converted;
    if (vips_icc_transform(in_memory, OutImage(converted), name_of(to), "input_profile", name_of(from),
                           "intent", VIPS_INTENT_PERCEPTUAL, nullptr) != 0)
        return {};
    Image held(vips_image_copy_memory(converted.get()));
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

Result<Rgba> to_srgb(Rgba picture, ColourSpace from) {
    if (from == ColourSpace::srgb) return picture;
    constexpr int kBands = 4;
    const Image raw(vips_image_new_from_memory(picture.bytes.data(), picture.bytes.size(),
                                               static_cast<int>(picture.width),
                                               static_cast<int>(picture.height), kBands, VIPS_FORMAT_UCHAR));
    if (raw) raw->Type = VIPS_INTERPRETATION_sRGB;
    const Image converted = raw ? to_space(raw.get(), from, ColourSpace::srgb) : Image{};
    if (!converted || pixels_of(converted.get()).size() != picture.bytes.size())
        return fail(ErrorCode::internal, "the picture's colours can't be made sRGB");
    const BytesView pixels = pixels_of(converted.get());
    return Rgba{picture.width, picture.height, Bytes(pixels.begin(), pixels.end())};
}

}  // namespace photogate::imaging
