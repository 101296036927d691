#include "imaging/imager/pixels.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace photogate::imaging {
namespace {

constexpr std::array<std::string_view, 4> kAnimationFields = {"n-pages", "page-height", "loop", "delay"};

bool is_grey(VipsImage* image) {
    switch (vips_image_get_interpretation(image)) {
        case VIPS_INTERPRETATION_B_W:
        case VIPS_INTERPRETATION_GREY16:
            return true;
        default:
            return false;
    }
}

Image shared(VipsImage* image) {
    g_object_ref(image);
    return Image(image);
}

}  // namespace

Image to_eight_bit_srgb(VipsImage* in) {
    const bool grey = is_grey(in);
    Image converted;
    if (vips_colourspace(in, OutImage(converted), grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                         nullptr) != 0) {
        return {};
    }
    const int wanted = (grey ? 1 : 3) + (vips_image_get_bands(converted.get()) > (grey ? 1 : 3) ? 1 : 0);
    if (vips_image_get_bands(converted.get()) > wanted) {
        Image fewer;
        if (vips_extract_band(converted.get(), OutImage(fewer), 0, "n", wanted, nullptr) != 0) return {};
        converted = std::move(fewer);
    }
    if (vips_image_get_format(converted.get()) == VIPS_FORMAT_UCHAR) return converted;
    // An sRGB picture of 16 bit passes a conversion to sRGB as it is.
    const gboolean shift = vips_image_get_format(converted.get()) == VIPS_FORMAT_USHORT ? TRUE : FALSE;
    Image cast;
    if (vips_cast(converted.get(), OutImage(cast), VIPS_FORMAT_UCHAR, "shift", shift, nullptr) != 0)
        return {};
    return cast;
}

void drop_fields(VipsImage* image, Fields kept) {
    gchar** fields = vips_image_get_fields(image);
    for (gchar** field = fields; field != nullptr && *field != nullptr; ++field) {
        const bool timing = std::find(kAnimationFields.begin(), kAnimationFields.end(),
                                      std::string_view(*field)) != kAnimationFields.end();
        if (!timing || kept == Fields::none) vips_image_remove(image, *field);
    }
    g_strfreev(fields);
}

bool has_alpha(VipsImage* image) {
    const int bands = vips_image_get_bands(image);
    return bands == 2 || bands == 4;
}

bool is_see_through(VipsImage* in_memory) {
    if (!has_alpha(in_memory)) return false;
    const auto bands = static_cast<std::size_t>(vips_image_get_bands(in_memory));
    const BytesView pixels = pixels_of(in_memory);
    for (std::size_t at = bands - 1; at < pixels.size(); at += bands) {
        if (pixels[at] != 255) return true;
    }
    return false;
}

Image on_white(VipsImage* in) {
    if (!has_alpha(in)) return shared(in);
    const std::array<double, 3> white{255, 255, 255};
    VipsArrayDouble* background = vips_array_double_new(white.data(), vips_image_get_bands(in) - 1);
    Image flat;
    vips_flatten(in, OutImage(flat), "background", background, nullptr);
    vips_area_unref(VIPS_AREA(background));
    return flat;
}

Image without_alpha(VipsImage* in) {
    if (!has_alpha(in)) return shared(in);
    Image colours;
    vips_extract_band(in, OutImage(colours), 0, "n", vips_image_get_bands(in) - 1, nullptr);
    return colours;
}

}  // namespace photogate::imaging
