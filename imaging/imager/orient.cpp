#include "imaging/imager/orient.hpp"

namespace photogate::imaging {
namespace {

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

}  // namespace photogate::imaging
