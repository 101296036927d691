#include "delivery/placeholder.hpp"

#include "delivery/thumb_hash.hpp"
#include "signer/digest.hpp"

namespace photogate::delivery {
namespace {

constexpr std::uint8_t kGrey = 0xC8;

Placeholder named(std::string png) {
    auto etag = "\"" + hex_lower(signer::sha256(as_bytes(png))).substr(0, 32) + "\"";
    return {std::move(png), std::move(etag)};
}

}  // namespace

Placeholder placeholder_of(const LocatedImage& image) {
    if (const auto hash = from_base64(image.thumb_hash); hash && !hash->empty()) {
        if (const auto picture = decode_thumb_hash(*hash, image.width, image.height))
            return named(to_png(*picture));
    }
    const std::string_view colour = image.dominant_color;
    const auto rgb = colour.starts_with('#') ? from_hex(colour.substr(1)) : std::nullopt;
    if (!rgb || rgb->size() != 3) return neutral_placeholder();
    return named(to_png({1, 1, {(*rgb)[0], (*rgb)[1], (*rgb)[2], 255}}));
}

const Placeholder& neutral_placeholder() {
    static const Placeholder neutral = named(to_png({1, 1, {kGrey, kGrey, kGrey, 255}}));
    return neutral;
}

}  // namespace photogate::delivery
