#include "delivery/published_images.hpp"

#include "imaging/format.hpp"

namespace photogate::delivery {

using model::UploadState;

PublishedImages::PublishedImages(storage::records::Publications& publications, const pipeline::Stores& stores)
    : publications_(publications), stores_(stores) {}

Result<LocatedImage> PublishedImages::locate(std::string_view public_id) const {
    const auto not_published = [] {
        return fail(ErrorCode::not_published, "there is no published image of that name");
    };
    const auto id = parse_public_id(public_id);
    if (!id) return not_published();
    const auto upload = publications_.find_public(*id);
    if (!upload) return fail(upload.error());
    if (!*upload) return not_published();
    if ((*upload)->state == UploadState::deleted) return fail(ErrorCode::gone, "the image was deleted");
    if ((*upload)->state != UploadState::published || !(*upload)->image) return not_published();

    const auto& image = *(*upload)->image;
    const auto format = imaging::parse_format(image.format);
    const auto* store = stores_.of((*upload)->region);
    if (!format || !store) return fail(ErrorCode::unavailable, "the image's region is not configured");
    LocatedImage located;
    located.store = store;
    located.key = image.key;
    located.media_type = imaging::media_type(*format);
    located.filename = id->str() + "." + std::string{imaging::file_extension(*format)};
    located.size = image.size;
    located.validators = {"\"" + image.sha256.substr(0, 32) + "\"",
                          (*upload)->finished_at.value_or((*upload)->updated_at)};
    return located;
}

Result<std::string> PublishedImages::read(const LocatedImage& image,
                                          const std::optional<storage::objects::ByteRange>& range) const {
    storage::objects::GetOptions options;
    options.range = range;
    const auto expected = range ? range->last - range->first + 1 : image.size;
    std::string bytes;
    bytes.reserve(expected);
    const auto info =
        image.store->objects->get(image.store->region.published, image.key, options, [&](BytesView chunk) {
            if (bytes.size() + chunk.size() > expected) return false;
            bytes.append(as_text(chunk));
            return true;
        });
    if (!info) return fail(info.error());
    if (bytes.size() != expected)
        return fail(ErrorCode::store_protocol, "the store's object has another size than was published");
    return bytes;
}

}  // namespace photogate::delivery
