#include "imaging/imager/orient.hpp"

#include <vector>

#include "imaging/imager/decode.hpp"
#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

constexpr std::uint64_t kMaxRollBytes = 400'000'000;

struct Turn {
    VipsAngle angle;
    enum class Mirror { no, left_right } mirror;
};

/// First turned clockwise, then mirrored.
Turn turn_for(std::uint8_t orientation) {
    switch (orientation) {
        case 2:
            return {VIPS_ANGLE_D0, Turn::Mirror::left_right};
        case 3:
            return {VIPS_ANGLE_D180, Turn::Mirror::no};
        case 4:
            return {VIPS_ANGLE_D180, Turn::Mirror::left_right};
        case 5:
            return {VIPS_ANGLE_D90, Turn::Mirror::left_right};
        case 6:
            return {VIPS_ANGLE_D90, Turn::Mirror::no};
        case 7:
            return {VIPS_ANGLE_D270, Turn::Mirror::left_right};
        case 8:
            return {VIPS_ANGLE_D270, Turn::Mirror::no};
        default:
            return {VIPS_ANGLE_D0, Turn::Mirror::no};
    }
}

}  // namespace

Image make_upright(Image in_memory, std::uint8_t orientation) {
    if (orientation <= 1 || orientation > 8) return in_memory;
    const Turn turn = turn_for(orientation);
    Image turned;
    if (vips_rot(in_memory.get(), OutImage(turned), turn.angle, nullptr) != 0) return {};
    if (turn.mirror == Turn::Mirror::left_right) {
        Image mirrored;
        if (vips_flip(turned.get(), OutImage(mirrored), VIPS_DIRECTION_HORIZONTAL, nullptr) != 0) return {};
        turned = std::move(mirrored);
    }
    return Image(vips_image_copy_memory(turned.get()));
}

namespace {

/// Frame `number` by itself, upright, without fields.
Image upright_frame(VipsImage* roll, int number, std::uint8_t orientation) {
    const int height = vips_image_get_page_height(roll);
    Image part;
    if (vips_extract_area(roll, OutImage(part), 0, number * height, vips_image_get_width(roll), height,
                          nullptr) != 0)
        return {};
    Image frame(vips_image_copy_memory(part.get()));
    if (!frame) return {};
    drop_fields(frame.get(), Fields::none);
    return make_upright(std::move(frame), orientation);
}

/// How long each frame is shown, and how often all are.
void copy_timing(VipsImage* from, VipsImage* to) {
    int loop = 0;
    if (vips_image_get_typeof(from, "loop") != 0 && vips_image_get_int(from, "loop", &loop) == 0)
        vips_image_set_int(to, "loop", loop);
    int* delays = nullptr;
    int count = 0;
    if (vips_image_get_typeof(from, "delay") != 0 &&
        vips_image_get_array_int(from, "delay", &delays, &count) == 0)
        vips_image_set_array_int(to, "delay", delays, count);
}

}  // namespace

tl::expected<Image, Rejection> make_frames_upright(Image roll, std::uint8_t orientation) {
    if (VIPS_IMAGE_SIZEOF_IMAGE(roll.get()) > kMaxRollBytes)
        return tl::unexpected(
            Rejection{RejectionCode::too_many_pixels, "turning all frames would take too much memory"});
    const Image held(vips_image_copy_memory(roll.get()));
    if (!held) return tl::unexpected(decoding_failure());
    const int frames = vips_image_get_height(held.get()) / vips_image_get_page_height(held.get());
    std::vector<Image> owned;
    std::vector<VipsImage*> turned;
    for (int i = 0; i < frames; ++i) {
        owned.push_back(upright_frame(held.get(), i, orientation));
        if (!owned.back()) return tl::unexpected(decoding_failure());
        turned.push_back(owned.back().get());
    }
    Image joined;
    if (vips_arrayjoin(turned.data(), OutImage(joined), frames, "across", 1, nullptr) != 0)
        return tl::unexpected(decoding_failure());
    Image whole(vips_image_copy_memory(joined.get()));
    if (!whole) return tl::unexpected(decoding_failure());
    vips_image_set_int(whole.get(), VIPS_META_N_PAGES, frames);
    vips_image_set_int(whole.get(), VIPS_META_PAGE_HEIGHT, vips_image_get_height(turned.front()));
    copy_timing(held.get(), whole.get());
    return whole;
}

}  // namespace photogate::imaging
