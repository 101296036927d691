#include "imaging/imager/version.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "imaging/imager/encode.hpp"
#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {

namespace {

PictureSize area_of(VipsImage* image) {
    return {static_cast<std::uint32_t>(vips_image_get_width(image)),
            static_cast<std::uint32_t>(vips_image_get_height(image))};
}

Image in_memory(VipsImage* lazy) {
    return Image(vips_image_copy_memory(lazy));
}

Image shrunk(VipsImage* image, std::uint32_t edge) {
    Image small;
    vips_thumbnail_image(image, OutImage(small), static_cast<int>(edge), "height", static_cast<int>(edge),
                         "size", VIPS_SIZE_DOWN, "no_rotate", TRUE, nullptr);
    if (!small) return {};
    Image held = in_memory(small.get());
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

/// As sRGB with alpha, the alpha multiplied by `opacity` percent.
Image see_through(VipsImage* mark, std::uint32_t opacity) {
    Image colour;
    if (vips_colourspace(mark, OutImage(colour), VIPS_INTERPRETATION_sRGB, nullptr) != 0) return {};
    if (!has_alpha(colour.get())) {
        Image with;
        if (vips_addalpha(colour.get(), OutImage(with), nullptr) != 0) return {};
        colour = std::move(with);
    }
    const std::array<double, 4> factors{1, 1, 1, static_cast<double>(opacity) / 100};
    const std::array<double, 4> nothing{0, 0, 0, 0};
    Image faint;
    if (vips_linear(colour.get(), OutImage(faint), factors.data(), nothing.data(), 4, "uchar", TRUE,
                    nullptr) != 0)
        return {};
    return faint;
}

struct Place {
    int x = 0;
    int y = 0;
};

Place place_of(Corner corner, PictureSize picture, PictureSize mark) {
    const int margin = static_cast<int>(std::min(picture.width, picture.height) / 50);
    const int right = static_cast<int>(picture.width) - static_cast<int>(mark.width);
    const int bottom = static_cast<int>(picture.height) - static_cast<int>(mark.height);
    const auto kept = [](int at, int most) { return std::clamp(at, 0, std::max(0, most)); };
    switch (corner) {
        case Corner::top_left:
            return {kept(margin, right), kept(margin, bottom)};
        case Corner::top_right:
            return {kept(right - margin, right), kept(margin, bottom)};
        case Corner::bottom_left:
            return {kept(margin, right), kept(bottom - margin, bottom)};
        case Corner::bottom_right:
            return {kept(right - margin, right), kept(bottom - margin, bottom)};
        case Corner::centre:
            return {kept(right / 2, right), kept(bottom / 2, bottom)};
    }
    return {};
}

Image marked(VipsImage* picture, VipsImage* mark, const Watermark& how) {
    const PictureSize area = area_of(picture);
    const std::uint32_t edge =
        std::max(1U, std::min(area.width, area.height) * std::min(how.size, 100U) / 100);
    const Image small = shrunk(mark, edge);
    const Image faint = small ? see_through(small.get(), how.opacity) : Image{};
    Image colour;
    if (!faint || vips_colourspace(picture, OutImage(colour), VIPS_INTERPRETATION_sRGB, nullptr) != 0)
        return {};
    const Place place = place_of(how.corner, area, area_of(faint.get()));
    Image over;
    if (vips_composite2(colour.get(), faint.get(), OutImage(over), VIPS_BLEND_MODE_OVER, "x", place.x, "y",
                        place.y, nullptr) != 0)
        return {};
    // A composite has alpha; of a picture without any it hides nothing.
    const Image flat = has_alpha(picture) ? to_eight_bit_srgb(over.get()) : without_alpha(over.get());
    const Image eight = flat ? to_eight_bit_srgb(flat.get()) : Image{};
    Image held = eight ? in_memory(eight.get()) : Image{};
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

/// How far from the left and the top what is kept begins, in halves of what is cut off.
struct Halves {
    std::uint32_t left = 1;
    std::uint32_t top = 1;
};

Halves halves_of(Gravity gravity) {
    switch (gravity) {
        case Gravity::north:
            return {1, 0};
        case Gravity::north_east:
            return {2, 0};
        case Gravity::east:
            return {2, 1};
        case Gravity::south_east:
            return {2, 2};
        case Gravity::south:
            return {1, 2};
        case Gravity::south_west:
            return {0, 2};
        case Gravity::west:
            return {0, 1};
        case Gravity::north_west:
            return {0, 0};
        case Gravity::centre:
        case Gravity::attention:
        case Gravity::entropy:
            return {1, 1};
    }
    return {};
}

Image cropped(VipsImage* whole, PictureSize kept, Gravity gravity) {
    const PictureSize from = area_of(whole);
    const int width = static_cast<int>(kept.width), height = static_cast<int>(kept.height);
    Image part;
    if (gravity == Gravity::attention || gravity == Gravity::entropy) {
        vips_smartcrop(whole, OutImage(part), width, height, "interesting",
                       gravity == Gravity::attention ? VIPS_INTERESTING_ATTENTION : VIPS_INTERESTING_ENTROPY,
                       nullptr);
    } else {
        const Halves halves = halves_of(gravity);
        vips_extract_area(
            whole, OutImage(part), static_cast<int>((from.width - kept.width) * halves.left / 2),
            static_cast<int>((from.height - kept.height) * halves.top / 2), width, height, nullptr);
    }
    Image held = part ? in_memory(part.get()) : Image{};
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

/// The size of what is made of an area that has the version's proportions.
PictureSize fitted(PictureSize area, const VersionSpec& version) {
    const std::uint64_t longer = std::max({area.width, area.height, 1U});
    const std::uint64_t edge = std::min(fitted_edge(area, version), kMaxEncodedEdge);
    const auto side = [&](std::uint32_t of) {
        return std::max(1U, static_cast<std::uint32_t>((of * edge + longer / 2) / longer));
    };
    return {side(area.width), side(area.height)};
}

Image stretched(VipsImage* whole, PictureSize size) {
    Image out_of_proportion;
    vips_thumbnail_image(whole, OutImage(out_of_proportion), static_cast<int>(size.width), "height",
                         static_cast<int>(size.height), "size", VIPS_SIZE_FORCE, "no_rotate", TRUE, nullptr);
    Image held = out_of_proportion ? in_memory(out_of_proportion.get()) : Image{};
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

tl::unexpected<Error> broken(const char* what) {
    return fail(ErrorCode::internal, what);
}

/// In the version's proportions.
Result<Image> reshaped(VipsImage* base, const VersionSpec& version) {
    const PictureSize kept = largest_area(area_of(base), *version.crop);
    Image picture = version.reshape == Reshape::stretch ? stretched(base, fitted(kept, version))
                                                        : cropped(base, kept, version.gravity);
    if (!picture) return broken("The picture can't be brought into its proportions.");
    return picture;
}

}  // namespace

std::uint32_t decode_edge(const VersionSpec& version, const Inspection& inspection) {
    const PictureSize whole{inspection.upright_width(), inspection.upright_height()};
    const PictureSize kept = version.crop ? largest_area(whole, *version.crop) : whole;
    const std::uint32_t wanted = fitted_edge(kept, version);
    const std::uint32_t longer = std::max(kept.width, kept.height);
    // The whole is larger than what is kept of it by the same factor at every scale; rounded up.
    const std::uint64_t edge =
        (std::uint64_t{std::max(whole.width, whole.height)} * wanted + longer - 1) / std::max(1U, longer);
    // Uncropped it is the version's own bound, whatever the picture's size: as it has always been decoded.
    const std::uint64_t asked = version.crop || version.fit == Fit::outside ? edge : version.max_edge;
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(asked, 1, kMaxEncodedEdge));
}

Result<Image> version_of(VipsImage* base, const VersionSpec& version, VipsImage* watermark) {
    g_object_ref(base);
    Image picture(base);
    if (version.crop) {
        auto shaped = reshaped(base, version);
        if (!shaped) return shaped;
        picture = std::move(*shaped);
    }
    const PictureSize area = area_of(picture.get());
    const std::uint32_t edge = std::min(fitted_edge(area, version), kMaxEncodedEdge);
    if (edge < std::max(area.width, area.height)) {
        picture = shrunk(picture.get(), edge);
        if (!picture) return broken("The picture can't be shrunk.");
    }
    if (!version.watermark) return picture;
    if (watermark == nullptr)
        return fail(ErrorCode::invalid_configuration, "A watermark is asked for and not given.");
    picture = marked(picture.get(), watermark, *version.watermark);
    if (!picture) return broken("The watermark can't be laid over the picture.");
    return picture;
}

}  // namespace photogate::imaging
