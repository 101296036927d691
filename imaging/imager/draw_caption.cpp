#include "imaging/imager/draw_caption.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include <fontconfig/fontconfig.h>
#include <pango/pangofc-fontmap.h>

#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

constexpr double kMeasured = 48;  ///< pixels of the font's size at which a text is measured
constexpr double kSmallest = 6;   ///< below it there may be nothing to draw
constexpr double kLargest = 2'000;
constexpr int kShadowShare = 16;  ///< the shadow's sigma is the font's size by this
constexpr double kShadow = 1.5;   ///< of the blurred text's opacity
constexpr const char* kSample = "Ag";

struct FreeFont {
    void operator()(FcPattern* pattern) const { FcPatternDestroy(pattern); }
    void operator()(FcFontSet* set) const { FcFontSetDestroy(set); }
    void operator()(PangoFontDescription* description) const { pango_font_description_free(description); }
    void operator()(FcConfig* config) const { FcConfigDestroy(config); }
};
template <class T>
using Font = std::unique_ptr<T, FreeFont>;

/// What a file's first face is called, as Pango's words for it: `DejaVu Sans Bold`.
std::map<std::string, std::string>& names_of_fonts() {
    static std::map<std::string, std::string> names;
    return names;
}

std::string name_of(const std::string& file) {
    int faces = 0;
    const Font<FcPattern> pattern(
        FcFreeTypeQuery(reinterpret_cast<const FcChar8*>(file.c_str()), 0, nullptr, &faces));
    if (!pattern) return {};
    const Font<PangoFontDescription> description(
        pango_fc_font_description_from_pattern(pattern.get(), FALSE));
    if (!description) return {};
    const std::unique_ptr<char, FreeWithGlib> name(pango_font_description_to_string(description.get()));
    return name ? name.get() : "";
}

/// One band: how much of a pixel the text covers.
Image coverage(std::string_view text, const std::string& name, double size) {
    const std::string whole(text);
    const std::unique_ptr<char, FreeWithGlib> escaped(
        g_markup_escape_text(whole.c_str(), static_cast<gssize>(whole.size())));
    std::array<char, G_ASCII_DTOSTR_BUF_SIZE> number{};
    const std::string font =
        name + " " + g_ascii_formatd(number.data(), static_cast<int>(number.size()), "%.2f", size);
    Image mask;
    vips_text(OutImage(mask), escaped.get(), "font", font.c_str(), "dpi", 72, nullptr);
    return mask ? Image(vips_image_copy_memory(mask.get())) : Image{};
}

/// One colour with that alpha.
Image in_colour(VipsImage* alpha, double level) {
    Image flat, whole, named;
    if (vips_linear1(alpha, OutImage(flat), 0, level, "uchar", TRUE, nullptr) != 0) return {};
    std::array<VipsImage*, 4> bands{flat.get(), flat.get(), flat.get(), alpha};
    if (vips_bandjoin(bands.data(), OutImage(whole), static_cast<int>(bands.size()), nullptr) != 0) return {};
    vips_copy(whole.get(), OutImage(named), "interpretation", VIPS_INTERPRETATION_sRGB, nullptr);
    return named;
}

Image with_shadow(VipsImage* mask, double sigma) {
    const int around = static_cast<int>(std::ceil(2 * sigma));
    Image roomy, blurred, shadow, over, eight;
    if (vips_embed(mask, OutImage(roomy), around, around, vips_image_get_width(mask) + 2 * around,
                   vips_image_get_height(mask) + 2 * around, nullptr) != 0)
        return {};
    if (vips_gaussblur(roomy.get(), OutImage(blurred), sigma, nullptr) != 0) return {};
    if (vips_linear1(blurred.get(), OutImage(shadow), kShadow, 0, "uchar", TRUE, nullptr) != 0) return {};
    const Image dark = in_colour(shadow.get(), 0);
    const Image light = in_colour(roomy.get(), 255);
    if (!dark || !light) return {};
    if (vips_composite2(dark.get(), light.get(), OutImage(over), VIPS_BLEND_MODE_OVER, nullptr) != 0)
        return {};
    if (vips_cast(over.get(), OutImage(eight), VIPS_FORMAT_UCHAR, nullptr) != 0) return {};
    return Image(vips_image_copy_memory(eight.get()));
}

}  // namespace

Result<> load_fonts(const std::vector<std::string>& files) {
    if (files.empty()) return {};
    const auto unusable = [](const std::string& file, const std::string& why) {
        return fail(ErrorCode::imager_unavailable,
                    "the font " + file + " " + why +
                        "; name a TrueType or OpenType file that the user photogate-imager may read, such as "
                        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf (Debian: fonts-dejavu-core)");
    };
    Font<FcConfig> own(FcConfigCreate());
    if (!own) return unusable(files.front(), "can't be loaded: out of memory");
    for (const auto& file : files) {
        const auto name = name_of(file);
        if (name.empty() ||
            FcConfigAppFontAddFile(own.get(), reinterpret_cast<const FcChar8*>(file.c_str())) != FcTrue)
            return unusable(file, "can't be read as a font");
        names_of_fonts()[file] = name;
    }
    // Nothing else of the machine's fonts is known to Pango, inside the jail or before it.
    if (FcConfigSetCurrent(own.release()) != FcTrue) return unusable(files.front(), "can't be made known");
    for (const auto& file : files)
        if (!draw_caption(kSample, file, 64))
            return unusable(file, "can't be drawn with: " + take_vips_words());
    return {};
}

Image draw_caption(std::string_view text, const std::string& font, std::uint32_t edge) {
    const auto name = names_of_fonts().find(font);
    if (name == names_of_fonts().end() || text.empty()) return {};
    const Image measured = coverage(text, name->second, kMeasured);
    if (!measured) return {};
    const double size =
        std::clamp(kMeasured * edge / std::max(1, longest_edge(measured.get())), kSmallest, kLargest);
    const Image mask = coverage(text, name->second, size);
    Image drawn = mask ? with_shadow(mask.get(), std::max(0.5, size / kShadowShare)) : Image{};
    if (!drawn || longest_edge(drawn.get()) <= 2 * static_cast<int>(edge)) return drawn;
    const int small = static_cast<int>(edge);
    Image shrunk;
    vips_thumbnail_image(drawn.get(), OutImage(shrunk), small, "height", small, "size", VIPS_SIZE_DOWN,
                         nullptr);
    return shrunk ? Image(vips_image_copy_memory(shrunk.get())) : Image{};
}

}  // namespace photogate::imaging
