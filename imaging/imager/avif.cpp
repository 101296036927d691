#include "imaging/imager/avif.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <libheif/heif.h>

#include "imaging/imager/pixels.hpp"

namespace photogate::imaging {
namespace {

struct FreeHeif {
    void operator()(heif_context* context) const { heif_context_free(context); }
    void operator()(heif_encoder* encoder) const { heif_encoder_release(encoder); }
    void operator()(heif_image* image) const { heif_image_release(image); }
    void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
    void operator()(heif_encoding_options* options) const { heif_encoding_options_free(options); }
    void operator()(heif_color_profile_nclx* profile) const { heif_nclx_color_profile_free(profile); }
};
template <class T>
using Heif = std::unique_ptr<T, FreeHeif>;

/// The encoder's `speed`: 9 is what libvips calls effort 0, the one that is affordable.
constexpr int kSpeed = 9;

/// 22 below JPEG's number scores the same.
int avif_quality(int jpeg_quality) {
    return std::clamp(jpeg_quality - 22, 1, 100);
}

bool ok(const heif_error& error) {
    return error.code == heif_error_Ok;
}

heif_error append(heif_context*, const void* data, std::size_t size, void* into) {
    const auto* start = static_cast<const std::uint8_t*>(data);
    auto& bytes = *static_cast<Bytes*>(into);
    bytes.insert(bytes.end(), start, start + size);
    return {heif_error_Ok, heif_suberror_Unspecified, "ok"};
}

/// Grey and RGB alike become interleaved RGB or RGBA.
Heif<heif_image> as_heif(VipsImage* image) {
    const int width = vips_image_get_width(image);
    const int height = vips_image_get_height(image);
    const int bands = vips_image_get_bands(image);
    const bool alpha = has_alpha(image);
    const bool grey = bands < 3;
    heif_image* raw = nullptr;
    const auto chroma = alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
    if (!ok(heif_image_create(width, height, heif_colorspace_RGB, chroma, &raw))) return nullptr;
    Heif<heif_image> made(raw);
    if (!ok(heif_image_add_plane(raw, heif_channel_interleaved, width, height, 8))) return nullptr;
    int stride = 0;
    std::uint8_t* plane = heif_image_get_plane(raw, heif_channel_interleaved, &stride);
    if (plane == nullptr) return nullptr;
    const std::uint8_t* from = pixels_of(image).data();
    for (int y = 0; y < height; ++y) {
        std::uint8_t* to = plane + static_cast<std::ptrdiff_t>(y) * stride;
        if (!grey) {
            std::memcpy(to, from, static_cast<std::size_t>(width) * static_cast<std::size_t>(bands));
            from += static_cast<std::ptrdiff_t>(width) * bands;
            continue;
        }
        for (int x = 0; x < width; ++x, from += bands) {
            to = std::fill_n(to, 3, from[0]);
            if (alpha) *to++ = from[1];
        }
    }
    return made;
}

Heif<heif_encoder> av1_encoder(heif_context* context) {
    heif_encoder* raw = nullptr;
    if (!ok(heif_context_get_encoder_for_format(context, heif_compression_AV1, &raw))) return nullptr;
    return Heif<heif_encoder>(raw);
}

}  // namespace

bool can_encode_avif() {
    return heif_have_encoder_for_format(heif_compression_AV1) != 0;
}

Result<Bytes> encode_avif(VipsImage* in_memory, int quality, ColourSpace space) {
    const auto failed = [] { return fail(ErrorCode::internal, "the picture can't be encoded as AVIF"); };
    const Heif<heif_context> context(heif_context_alloc());
    const Heif<heif_encoder> encoder = av1_encoder(context.get());
    const Heif<heif_image> image = as_heif(in_memory);
    if (!context || !encoder || !image) return failed();
    // One thread: the worker process is one core's worth, and the bytes do not depend on how many there are.
    if (!ok(heif_encoder_set_lossy_quality(encoder.get(), avif_quality(quality))) ||
        !ok(heif_encoder_set_parameter_integer(encoder.get(), "threads", 1)) ||
        !ok(heif_encoder_set_parameter_integer(encoder.get(), "speed", kSpeed))) {
        return failed();
    }
    const Heif<heif_encoding_options> options(heif_encoding_options_alloc());
    const Heif<heif_color_profile_nclx> colours(heif_nclx_color_profile_alloc());
    if (!options || !colours) return failed();
    colours->color_primaries = space == ColourSpace::display_p3 ? heif_color_primaries_SMPTE_EG_432_1
                                                                : heif_color_primaries_ITU_R_BT_709_5;
    colours->transfer_characteristics = heif_transfer_characteristic_IEC_61966_2_1;
    colours->matrix_coefficients = heif_matrix_coefficients_ITU_R_BT_601_6;
    colours->full_range_flag = 1;
    options->output_nclx_profile = colours.get();
    heif_image_handle* raw_handle = nullptr;
    if (!ok(heif_context_encode_image(context.get(), image.get(), encoder.get(), options.get(),
                                      &raw_handle))) {
        return failed();
    }
    const Heif<heif_image_handle> handle(raw_handle);
    Bytes bytes;
    heif_writer writer{};
    writer.writer_api_version = 1;
    writer.write = append;
    if (!ok(heif_context_write(context.get(), &writer, &bytes)) || bytes.empty()) return failed();
    return bytes;
}

}  // namespace photogate::imaging
