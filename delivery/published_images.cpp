#include "delivery/published_images.hpp"

#include <utility>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "delivery/cached_readers.hpp"
#include "imaging/caption.hpp"
#include "imaging/format.hpp"
#include "signer/digest.hpp"

namespace photogate::delivery {

using model::UploadState;

namespace {

Result<LocatedImage> with_object(LocatedImage located, const model::PublishedImage& image,
                                 Timestamp made_at) {
    const auto format = imaging::parse_format(image.format);
    if (!format) return fail(ErrorCode::unavailable, "the image's format is not known to this program");
    located.key = image.key;
    located.etag = image.etag;
    located.sha256 = image.sha256;
    located.media_type = imaging::media_type(*format);
    located.filename = located.public_id.str() + "." + std::string{imaging::file_extension(*format)};
    located.size = image.size;
    located.content = located.public_id.str() + "/" + image.sha256;
    located.validators = {"\"" + image.sha256.substr(0, 32) + "\"", made_at};
    located.format = *format;
    located.width = image.width;
    located.height = image.height;
    located.has_alpha = image.has_alpha;
    return located;
}

}  // namespace

PublishedImages::PublishedImages(storage::records::Publications& publications, const pipeline::Stores& stores,
                                 DiskCache* disk)
    : publications_(publications), stores_(stores), disk_(disk) {}

Result<LocatedImage> PublishedImages::locate(std::string_view public_id, const Permit& permit) const {
    const auto not_published = [] {
        return fail(ErrorCode::not_published, "there is no published image of that name");
    };
    const auto id = parse_public_id(public_id);
    Result<std::optional<model::Upload>> upload;
    if (id) upload = publications_.find_public(*id);
    if (!upload) return fail(std::move(upload.error()));
    if (auto permitted = permit(*upload ? &**upload : nullptr); !permitted)
        return fail(std::move(permitted.error()));
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
    if (const auto& facts = (*upload)->facts) {
        located.thumb_hash = facts->placeholder;
        located.dominant_color = facts->dominant_color;
        located.taken_at = imaging::told_taken_at(facts->exif_json);
    }
    located.watermark = (*upload)->image->watermark;
    auto record = std::make_shared<model::Upload>();
    record->id = (*upload)->id;
    record->app = (*upload)->app;
    record->profile = (*upload)->profile;
    record->metadata = (*upload)->metadata;
    located.record = std::move(record);
    return with_object(std::move(located), *(*upload)->image,
                       (*upload)->finished_at.value_or((*upload)->updated_at));
}

Result<LocatedImage> version_of(LocatedImage image, const storage::records::StoredVersion& version) {
    return with_object(std::move(image), version.image, version.made_at);
}

Result<std::unique_ptr<storage::objects::ObjectReader>> PublishedImages::open(
    const LocatedImage& image, const std::optional<storage::objects::ByteRange>& range) const {
    if (!disk_) return open_stored(image, range);
    if (auto cached = disk_->find(image.content, image.size, range)) {
        return std::make_unique<CachedReader>(
            std::move(cached), range.value_or(storage::objects::ByteRange{0, image.size - 1}),
            [this, image](const storage::objects::ByteRange& rest) { return open_stored(image, rest); });
    }
    auto stored = open_stored(image, range);
    if (!stored || range || (*stored)->is_local() || (*stored)->length() != image.size) return stored;
    auto writer = disk_->write(image.content, image.size);
    if (!writer) return stored;
    return std::make_unique<FillingReader>(std::move(*stored), std::move(writer));
}

Result<std::unique_ptr<storage::objects::ObjectReader>> PublishedImages::open_stored(
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
    return changed(image);
}

Result<std::string> PublishedImages::read(const LocatedImage& image) const {
    auto reader = open(image, std::nullopt);
    if (!reader) return fail(std::move(reader.error()));
    if ((*reader)->length() != image.size) return changed(image);
    std::string bytes(static_cast<std::size_t>(image.size), '\0');
    for (std::size_t filled = 0; filled < bytes.size();) {
        const auto got =
            (*reader)->read({reinterpret_cast<std::uint8_t*>(bytes.data()) + filled, bytes.size() - filled});
        if (!got) return fail(got.error());
        if (*got == 0) return fail(ErrorCode::store_protocol, "the image ended early");
        filled += *got;
    }
    if (hex_lower(signer::sha256(bytes)) != image.sha256) return changed(image);
    return bytes;
}

tl::unexpected<Error> PublishedImages::changed(const LocatedImage& image) const {
    ++changed_;
    log::error("image.changed", {{"bucket", image.store->region.published.str()},
                                 {"key", image.key.str()},
                                 {"etag", image.etag.str()},
                                 {"remedy", "another writer replaced it; docs/operations.md, A1"}});
    return fail(ErrorCode::store_protocol,
                "the store holds another object than the one that was published; it is not given out");
}

}  // namespace photogate::delivery
