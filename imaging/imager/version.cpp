#include "imaging/imager/version.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "imaging/imager/encode.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/resample.hpp"

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
    const Image small = shrunk_to(image, static_cast<int>(edge));
    if (!small) return {};
    Image held = in_memory(small.get());
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

/// A picture, and where it begins in the one that it is of.
struct Part {
    Image picture;
    PictureOffset offset;
};

/// Where a part of the whole begins that has one side in common with it. Both in memory.
PictureOffset found_in(VipsImage* whole, VipsImage* part) {
    const auto bytes = static_cast<std::size_t>(VIPS_IMAGE_SIZEOF_LINE(part));
    const auto begins_at = [&](int left, int top) {
        for (int row = 0; row < vips_image_get_height(part); ++row)
            if (std::memcmp(VIPS_IMAGE_ADDR(whole, left, top + row), VIPS_IMAGE_ADDR(part, 0, row), bytes) !=
                0)
                return false;
        return true;
    };
    const int wider = vips_image_get_width(whole) - vips_image_get_width(part);
    const int higher = vips_image_get_height(whole) - vips_image_get_height(part);
    for (int left = 0; left <= wider; ++left)
        if (begins_at(left, 0)) return {left, 0};
    for (int top = 1; top <= higher; ++top)
        if (begins_at(0, top)) return {0, top};
    return {0, 0};
}

Part cropped(VipsImage* whole, PictureSize kept, Gravity gravity) {
    const PictureSize from = area_of(whole);
    const int width = static_cast<int>(kept.width), height = static_cast<int>(kept.height);
    Image lazy;
    PictureOffset offset;
    const bool looks = gravity == Gravity::attention || gravity == Gravity::entropy;
    if (looks) {
        vips_smartcrop(whole, OutImage(lazy), width, height, "interesting",
                       gravity == Gravity::attention ? VIPS_INTERESTING_ATTENTION : VIPS_INTERESTING_ENTROPY,
                       nullptr);
    } else {
        const Halves halves = halves_of(gravity);
        offset = {static_cast<int>((from.width - kept.width) * halves.left / 2),
                  static_cast<int>((from.height - kept.height) * halves.top / 2)};
        vips_extract_area(whole, OutImage(lazy), offset.left, offset.top, width, height, nullptr);
    }
    Part part{lazy ? in_memory(lazy.get()) : Image{}, offset};
    if (!part.picture) return part;
    drop_fields(part.picture.get(), Fields::none);
    if (looks) part.offset = found_in(whole, part.picture.get());
    return part;
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

/// The filter of a strong reduction leaves less contrast at edges than a viewer expects of so small a picture.
bool is_to_be_sharpened(VipsImage* picture, const VersionSpec& version, PictureSize original) {
    constexpr std::uint32_t kLeastFactor = 2;
    const PictureSize shown = version.crop ? largest_area(original, *version.crop) : original;
    const PictureSize made = area_of(picture);
    const std::uint32_t edge = std::max(made.width, made.height);
    return version.sharpening == Sharpening::mild && edge <= kMaxSharpenedEdge &&
           std::max(shown.width, shown.height) >= kLeastFactor * edge;
}

Image sharpened(VipsImage* picture) {
    Image lazy;
    if (vips_sharpen(picture, OutImage(lazy), "sigma", 0.5, "x1", 2.0, "m2", 1.0, nullptr) != 0) return {};
    const Image flat = to_eight_bit_srgb(lazy.get());
    Image held = flat ? in_memory(flat.get()) : Image{};
    if (held) drop_fields(held.get(), Fields::none);
    return held;
}

tl::unexpected<Error> internal_error(const char* what) {
    return fail(ErrorCode::internal, what);
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

VipsImage* Scales::smallest_for(const VersionSpec& version) const {
    // Where the picture decides, or its watermark does, the base alone is asked.
    const bool looks = version.gravity == Gravity::attention || version.gravity == Gravity::entropy;
    if (version.crop && (looks || version.watermark || version.reshape == Reshape::stretch)) return base_;
    const auto kept = [&](PictureSize of) { return version.crop ? largest_area(of, *version.crop) : of; };
    const std::uint64_t edge = std::min(fitted_edge(kept(area_of(base_)), version), kMaxEncodedEdge);
    VipsImage* smallest = base_;
    for (const Image& each : made_) {
        const PictureSize size = area_of(each.get()), part = kept(size);
        const bool suffices = std::max(part.width, part.height) >= kLeastFactor * edge;
        if (suffices && size.width < area_of(smallest).width) smallest = each.get();
    }
    return smallest;
}

void Scales::add(VipsImage* whole) {
    g_object_ref(whole);
    made_.emplace_back(whole);
}

Result<Image> version_of(Scales& scales, const VersionSpec& version, const Marks& marks) {
    VipsImage* const base = scales.smallest_for(version);
    g_object_ref(base);
    Part part{Image(base), {}};
    if (version.crop) {
        const PictureSize kept = largest_area(area_of(base), *version.crop);
        if (version.reshape == Reshape::stretch)
            part.picture = stretched(base, fitted(kept, version));
        else
            part = cropped(base, kept, version.gravity);
        if (!part.picture) return internal_error("the picture can't be brought into its proportions");
    }
    const PictureSize area = area_of(part.picture.get());
    Image picture = std::move(part.picture);
    const std::uint32_t edge = std::min(fitted_edge(area, version), kMaxEncodedEdge);
    if (edge < std::max(area.width, area.height)) {
        picture = shrunk(picture.get(), edge);
        if (!picture) return internal_error("the picture can't be shrunk");
        if (!version.crop) scales.add(picture.get());
    }
    if (is_to_be_sharpened(picture.get(), version, scales.whole())) {
        picture = sharpened(picture.get());
        if (!picture) return internal_error("the picture can't be sharpened");
    }
    if (!version.watermark) return picture;
    if (version.watermark->source == Watermark::Source::marked) {
        const bool cut = version.crop && version.reshape == Reshape::crop;
        if (!cut) return picture;
        const auto shown = shows_mark(area_of(base), {area, part.offset}, *version.watermark, marks);
        if (!shown) return fail(shown.error());
        if (*shown) return picture;
    }
    return marked(picture.get(), *version.watermark, marks);
}

}  // namespace photogate::imaging
