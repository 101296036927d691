#include "imaging/imager/watermark.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "imaging/caption.hpp"
#include "imaging/imager/draw_caption.hpp"
#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

PictureSize size_of(VipsImage* image) {
    return {static_cast<std::uint32_t>(vips_image_get_width(image)),
            static_cast<std::uint32_t>(vips_image_get_height(image))};
}

/// Of one frame, where there are several.
PictureSize frame_of(VipsImage* roll) {
    return {static_cast<std::uint32_t>(vips_image_get_width(roll)),
            static_cast<std::uint32_t>(vips_image_get_page_height(roll))};
}

std::uint32_t share(PictureSize of, std::uint32_t percent) {
    return std::min(of.width, of.height) * std::min(percent, 100U) / 100;
}

/// The longer edge of a watermark over a picture of that size.
std::uint32_t edge_over(PictureSize picture, const Watermark& how) {
    return std::max(1U, share(picture, how.size));
}

/// Smaller or larger.
Image scaled(VipsImage* image, std::uint32_t edge) {
    Image other;
    vips_thumbnail_image(image, OutImage(other), static_cast<int>(edge), "height", static_cast<int>(edge),
                         "size", VIPS_SIZE_BOTH, "no_rotate", TRUE, nullptr);
    return other;
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
    return Image(vips_image_copy_memory(faint.get()));
}

/// -1, 0 or 1 in each direction: the near edge, the middle, the far edge.
struct Side {
    int x = 0;
    int y = 0;
};

Side side_of(Gravity gravity) {
    switch (gravity) {
        case Gravity::north:
            return {0, -1};
        case Gravity::north_east:
            return {1, -1};
        case Gravity::east:
            return {1, 0};
        case Gravity::south_east:
            return {1, 1};
        case Gravity::south:
            return {0, 1};
        case Gravity::south_west:
            return {-1, 1};
        case Gravity::west:
            return {-1, 0};
        case Gravity::north_west:
            return {-1, -1};
        case Gravity::centre:
        case Gravity::attention:
        case Gravity::entropy:
            return {0, 0};
    }
    return {};
}

int placed(int side, std::uint32_t whole, std::uint32_t mark, std::uint32_t offset) {
    const int room = std::max(0, static_cast<int>(whole) - static_cast<int>(mark));
    const int at = side < 0   ? static_cast<int>(offset)
                   : side > 0 ? room - static_cast<int>(offset)
                              : room / 2;
    return std::clamp(at, 0, room);
}

PictureOffset place_of(const Watermark& how, PictureSize picture, PictureSize mark) {
    const Side side = side_of(how.gravity);
    return {placed(side.x, picture.width, mark.width, share(picture, how.offset_x)),
            placed(side.y, picture.height, mark.height, share(picture, how.offset_y))};
}

/// Copies side by side, as large as the picture.
Image tiles(VipsImage* mark, const Watermark& how, PictureSize picture) {
    const PictureSize size = size_of(mark);
    const std::uint32_t width = size.width + std::max(1U, share(picture, how.offset_x));
    const std::uint32_t height = size.height + std::max(1U, share(picture, how.offset_y));
    Image cell, all, part;
    if (vips_embed(mark, OutImage(cell), static_cast<int>(width - size.width) / 2,
                   static_cast<int>(height - size.height) / 2, static_cast<int>(width),
                   static_cast<int>(height), nullptr) != 0)
        return {};
    const Image held(vips_image_copy_memory(cell.get()));
    if (!held) return {};
    if (vips_replicate(held.get(), OutImage(all), static_cast<int>(picture.width / width + 1),
                       static_cast<int>(picture.height / height + 1), nullptr) != 0)
        return {};
    vips_extract_area(all.get(), OutImage(part), 0, 0, static_cast<int>(picture.width),
                      static_cast<int>(picture.height), nullptr);
    return part;
}

/// Eight bit, with alpha where the picture below has it.
Image composed(VipsImage* below, VipsImage* above) {
    Image over;
    if (vips_composite2(below, above, OutImage(over), VIPS_BLEND_MODE_OVER, nullptr) != 0) return {};
    // A composite has alpha; of a picture without any it hides nothing.
    const Image flat = has_alpha(below) ? to_eight_bit_srgb(over.get()) : without_alpha(over.get());
    return flat ? to_eight_bit_srgb(flat.get()) : Image{};
}

/// The whole with the patch at its place.
Image patched(VipsImage* picture, VipsImage* mark, const Watermark& how) {
    const PictureSize area = size_of(picture);
    const PictureSize size{std::min(area.width, size_of(mark).width),
                           std::min(area.height, size_of(mark).height)};
    const PictureOffset place = place_of(how, area, size);
    const int width = static_cast<int>(size.width), height = static_cast<int>(size.height);
    Image fitting, below, whole;
    if (vips_extract_area(mark, OutImage(fitting), 0, 0, width, height, nullptr) != 0) return {};
    if (vips_extract_area(picture, OutImage(below), place.left, place.top, width, height, nullptr) != 0)
        return {};
    const Image patch = composed(below.get(), fitting.get());
    if (!patch) return {};
    vips_insert(picture, patch.get(), OutImage(whole), place.left, place.top, nullptr);
    return whole;
}

tl::unexpected<Error> broken() {
    return fail(ErrorCode::internal, "the watermark can't be laid over the picture");
}

}  // namespace

void Marks::add(const std::string& sha256, Image picture) {
    pictures_[sha256] = std::move(picture);
}

Result<Image> Marks::image(const Watermark& how, std::uint32_t edge) const {
    Image mark;
    if (how.picture) {
        const auto found = pictures_.find(how.sha256);
        if (found != pictures_.end()) mark = scaled(found->second.get(), edge);
    } else {
        const auto text = expand_caption(how.text, how.taken_at ? how.taken_at : taken_at_);
        mark = draw_caption(text, how.font, std::min(edge, kMaxWatermarkEdge));
        if (mark && edge > kMaxWatermarkEdge) mark = scaled(mark.get(), edge);
    }
    if (mark) mark = see_through(mark.get(), how.opacity);
    if (mark && space_ != ColourSpace::srgb) mark = to_space(mark.get(), ColourSpace::srgb, space_);
    if (!mark)
        return fail(ErrorCode::invalid_configuration,
                    "the watermark can't be read or drawn: " + take_vips_words());
    return mark;
}

Result<bool> shows_mark(PictureSize whole, const PictureArea& area, const Watermark& how,
                        const Marks& marks) {
    if (how.tiling == Tiling::tiled) return true;
    const auto mark = marks.image(how, edge_over(whole, how));
    if (!mark) return fail(mark.error());
    const PictureSize size = size_of(mark->get());
    const PictureOffset place = place_of(how, whole, size);
    const auto inside = [](int at, std::uint32_t length, int from, std::uint32_t kept) {
        return at >= from && at + static_cast<int>(length) <= from + static_cast<int>(kept);
    };
    return inside(place.left, size.width, area.offset.left, area.size.width) &&
           inside(place.top, size.height, area.offset.top, area.size.height);
}

Result<Image> marked(VipsImage* in_memory, const Watermark& how, const Marks& marks) {
    const PictureSize area = size_of(in_memory);
    const auto mark = marks.image(how, edge_over(area, how));
    if (!mark) return fail(mark.error());
    Image colour;
    if (vips_colourspace(in_memory, OutImage(colour), VIPS_INTERPRETATION_sRGB, nullptr) != 0)
        return broken();
    Image over;
    if (how.tiling == Tiling::tiled) {
        const Image all = tiles(mark->get(), how, area);
        if (all) over = composed(colour.get(), all.get());
    } else {
        over = patched(colour.get(), mark->get(), how);
    }
    Image held = over ? Image(vips_image_copy_memory(over.get())) : Image{};
    if (!held) return broken();
    drop_fields(held.get(), Fields::none);
    return held;
}

Result<Image> marked_roll(VipsImage* roll, const Watermark& how, const Marks& marks) {
    const PictureSize frame = frame_of(roll);
    const auto mark = marks.image(how, edge_over(frame, how));
    if (!mark) return fail(mark.error());
    const int width = static_cast<int>(frame.width), height = static_cast<int>(frame.height);
    Image layer;
    if (how.tiling == Tiling::tiled) {
        layer = tiles(mark->get(), how, frame);
    } else {
        const PictureOffset place = place_of(how, frame, size_of(mark->get()));
        vips_embed(mark->get(), OutImage(layer), place.left, place.top, width, height, nullptr);
    }
    const Image held = layer ? Image(vips_image_copy_memory(layer.get())) : Image{};
    Image layers, colour;
    if (!held ||
        vips_replicate(held.get(), OutImage(layers), 1, vips_image_get_height(roll) / height, nullptr) != 0)
        return broken();
    if (vips_colourspace(roll, OutImage(colour), VIPS_INTERPRETATION_sRGB, nullptr) != 0) return broken();
    Image over = composed(colour.get(), layers.get());
    if (!over) return broken();
    return over;
}

}  // namespace photogate::imaging
