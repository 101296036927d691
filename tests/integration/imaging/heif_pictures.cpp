#include "heif_pictures.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <libheif/heif.h>

#include "imaging/containers/bmff_items.hpp"

namespace photogate::imaging::testing {
namespace {

struct FreeHeif {
    void operator()(heif_context* context) const { heif_context_free(context); }
    void operator()(heif_encoder* encoder) const { heif_encoder_release(encoder); }
    void operator()(heif_image* image) const { heif_image_release(image); }
    void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
};
template <class T>
using Heif = std::unique_ptr<T, FreeHeif>;

bool ok(const heif_error& error) {
    if (error.code != heif_error_Ok) ADD_FAILURE() << "libheif: " << error.message;
    return error.code == heif_error_Ok;
}

Heif<heif_image> flat(int width, int height, std::uint8_t grey) {
    heif_image* raw = nullptr;
    if (!ok(heif_image_create(width, height, heif_colorspace_RGB, heif_chroma_interleaved_RGB, &raw)))
        return nullptr;
    Heif<heif_image> image(raw);
    if (!ok(heif_image_add_plane(raw, heif_channel_interleaved, width, height, 8))) return nullptr;
    int stride = 0;
    std::uint8_t* plane = heif_image_get_plane(raw, heif_channel_interleaved, &stride);
    std::fill_n(plane, static_cast<std::size_t>(stride) * static_cast<std::size_t>(height), grey);
    return image;
}

heif_error append(heif_context*, const void* data, std::size_t size, void* into) {
    const auto* start = static_cast<const std::uint8_t*>(data);
    static_cast<Bytes*>(into)->insert(static_cast<Bytes*>(into)->end(), start, start + size);
    return {heif_error_Ok, heif_suberror_Unspecified, "ok"};
}

}  // namespace

Bytes make_avif(const AvifShape& shape) {
    const Heif<heif_context> context(heif_context_alloc());
    heif_encoder* raw_encoder = nullptr;
    if (!ok(heif_context_get_encoder_for_format(context.get(), heif_compression_AV1, &raw_encoder)))
        return {};
    const Heif<heif_encoder> encoder(raw_encoder);
    if (!ok(heif_encoder_set_parameter_integer(raw_encoder, "threads", 1)) ||
        !ok(heif_encoder_set_parameter_integer(raw_encoder, "speed", 9))) {
        return {};
    }
    const auto image = flat(shape.width, shape.height, shape.grey);
    heif_image_handle* raw_handle = nullptr;
    if (!image ||
        !ok(heif_context_encode_image(context.get(), image.get(), raw_encoder, nullptr, &raw_handle)))
        return {};
    const Heif<heif_image_handle> handle(raw_handle);
    if (shape.thumbnail_grey >= 0) {
        const auto small = flat(shape.width, shape.height, static_cast<std::uint8_t>(shape.thumbnail_grey));
        heif_image_handle* raw_thumbnail = nullptr;
        if (!small || !ok(heif_context_encode_thumbnail(context.get(), small.get(), raw_handle, raw_encoder,
                                                        nullptr, 160, &raw_thumbnail)))
            return {};
        const Heif<heif_image_handle> thumbnail(raw_thumbnail);
    }
    if (shape.metadata == AvifShape::Metadata::exif_and_xmp) {
        // A TIFF without an entry, and no packet at all: nobody should read either.
        constexpr std::string_view kExif("MM\0\x2A\0\0\0\x08\0\0\0\0\0\0", 14);
        constexpr std::string_view kXmp = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
        if (!ok(heif_context_add_exif_metadata(context.get(), raw_handle, kExif.data(),
                                               static_cast<int>(kExif.size()))) ||
            !ok(heif_context_add_XMP_metadata(context.get(), raw_handle, kXmp.data(),
                                              static_cast<int>(kXmp.size())))) {
            return {};
        }
    }
    Bytes bytes;
    heif_writer writer{};
    writer.writer_api_version = 1;
    writer.write = append;
    if (!ok(heif_context_write(context.get(), &writer, &bytes))) return {};
    return bytes;
}

Bytes with_broken_item(Bytes file, std::uint32_t item) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    const auto boxes = read_bmff(file, budget);
    const BmffItem* found = boxes ? boxes->item(item) : nullptr;
    if (found == nullptr || found->extents.empty()) {
        ADD_FAILURE() << "there is no item " << item;
        return file;
    }
    for (const ByteRange& extent : found->extents)
        std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(extent.offset), extent.size,
                    std::uint8_t{0xFF});
    return file;
}

Bytes with_metadata_of_no_picture(Bytes file) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    const auto boxes = read_bmff(file, budget);
    std::uint32_t exif = 0;
    std::uint32_t xmp = 0;
    for (const BmffItem& item : boxes ? boxes->items : std::vector<BmffItem>{}) {
        if (item.type == "Exif") exif = item.id;
        if (item.type == "mime") xmp = item.id;
    }
    // The reference: `cdsc`, from, a count of one, to; 16 bits each in version 0.
    const std::array<std::uint8_t, 8> from{
        'c', 'd', 's', 'c', static_cast<std::uint8_t>(exif >> 8), static_cast<std::uint8_t>(exif), 0, 1};
    const auto at = std::search(file.begin(), file.end(), from.begin(), from.end());
    if (exif == 0 || xmp == 0 || file.end() - at < 10) {
        ADD_FAILURE() << "there is no Exif item with a reference";
        return file;
    }
    at[8] = static_cast<std::uint8_t>(xmp >> 8);
    at[9] = static_cast<std::uint8_t>(xmp);
    return file;
}

}  // namespace photogate::imaging::testing
