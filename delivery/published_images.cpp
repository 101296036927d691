#include "delivery/published_images.hpp"

#include <utility>

#include "base/log.hpp"
#include "imaging/format.hpp"

namespace photogate::delivery {

using model::UploadState;

namespace {

Result<LocatedImage> with_object(LocatedImage located, const model::PublishedImage& image,
                                 Timestamp made_at) {
    const auto format = imaging::parse_format(image.format);
    if (!format) return fail(ErrorCode::unavailable, "the image's format is not known to this program");
    located.key = image.key;
    located.etag = image.etag;
    located.media_type = imaging::media_type(*format);
    located.filename = located.public_id.str() + "." + std::string{imaging::file_extension(*format)};
    located.size = image.size;
    located.validators = {"\"" + image.sha256.substr(0, 32) + "\"", made_at};
    located.format = *format;
    located.width = image.width;
    located.height = image.height;
    return located;
}

}  // namespace

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

    const auto* store = stores_.of((*upload)->region);
    if (!store) return fail(ErrorCode::unavailable, "the image's region is not configured");
    LocatedImage located;
    located.store = store;
    located.upload = (*upload)->id;
    located.public_id = *id;
    located.app = (*upload)->app;
    located.profile = (*upload)->profile;
    return with_object(std::move(located), *(*upload)->image,
                       (*upload)->finished_at.value_or((*upload)->updated_at));
}

Result<LocatedImage> version_of(LocatedImage image, const storage::records::StoredVersion& version) {
    return with_object(std::move(image), version.image, version.made_at);
}

Result<std::unique_ptr<storage::objects::ObjectReader>> PublishedImages::open(
    const LocatedImage& image, const std::optional<storage::objects::ByteRange>& range) const {
    storage::objects::GetOptions options;
    options.if_match = image.etag;
    options.expected_size = image.size;
    options.range = range;
    auto reader = image.store->objects->open(image.store->region.published, image.key, options);
    if (reader) return reader;
    const auto code = reader.error().code;
    // A range behind the end of a shorter object is refused for the range before anybody looks at its ETag.
    if (code != ErrorCode::store_precondition_failed && code != ErrorCode::size_mismatch &&
        code != ErrorCode::range_not_satisfiable)
        return reader;
    ++changed_;
    log::error("image.changed", {{"bucket", image.store->region.published.str()},
                                 {"key", image.key.str()},
                                 {"etag", image.etag.str()},
                                 {"remedy", "another writer replaced it; docs/operations.md, A1"}});
    return fail(ErrorCode::store_protocol,
                "the store holds another object than the one that was published; it is not given out");
}

}  // namespace photogate::delivery
