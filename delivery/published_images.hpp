// The public side: from the name that the public knows to the published bytes.
//
// Only what was made here and committed as published can be found. The store's own headers are never passed
// on: type, caching and validators are what the record says.
//
// Thread safety: any number of threads; blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "delivery/conditions.hpp"
#include "delivery/disk_cache.hpp"
#include "imaging/format.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

struct LocatedImage {
    const pipeline::Store* store = nullptr;
    ObjectKey key;
    ETag etag;           ///< of the object that was published; no other is given out
    std::string sha256;  ///< of its bytes, lower-case hex
    std::string media_type;
    std::string filename;  ///< `<public id>.<ext>`: never the client's
    std::uint64_t size = 0;
    std::string content;  ///< `<public id>/<sha256>`: what its bytes are known by in a cache
    Validators validators;
    imaging::Format format = imaging::Format::jpeg;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::optional<bool> has_alpha;  ///< nullopt: not known
    std::string thumb_hash;         ///< base64; of the picture, whatever version this is
    std::string dominant_color;     ///< `#rrggbb`; likewise
    // What it is of.
    UploadId upload;
    PublicId public_id;
    AppName app;
    ProfileName profile;
    /// Of the published image: model::PublishedImage::watermark.
    std::string watermark;
    std::optional<std::string> taken_at;  ///< as its facts tell it
    /// Its app, profile and metadata, by which is decided who may see it.
    std::shared_ptr<const model::Upload> record;
};

/// Of the same image in another version. Errors: unavailable, where this program does not know the format.
Result<LocatedImage> version_of(LocatedImage image, const storage::records::StoredVersion& version);

class PublishedImages {
  public:
    /// `disk` may be null; all outlive this.
    PublishedImages(storage::records::Publications& publications, const pipeline::Stores& stores,
                    DiskCache* disk = nullptr);

    /// Whether whoever asks may learn of an image: of the upload that it is of, or null where nothing was published
    /// under that name.
    using Permit = std::function<Result<>(const model::Upload*)>;
    static Result<> everybody(const model::Upload*) { return {}; }

    /// `permit` is asked before anything is told; its error is the answer. Errors: not_published (unknown, not yet,
    /// or rejected: the public learns no more than that), gone (deleted), and the database_* codes.
    Result<LocatedImage> locate(std::string_view public_id, const Permit& permit = everybody) const;

    /// The bytes, or the range of them, of the very object that was published, from the disk cache where that has them;
    /// what comes whole from a distant store is kept there on its way. Errors: the store_* and http_*
    /// codes; store_no_such_key means that it was deleted just now; store_protocol that another object lies
    /// in its place, which is logged and counted.
    Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const LocatedImage& image, const std::optional<storage::objects::ByteRange>& range) const;
    /// All of its bytes, and those that were published alone: their SHA-256 is the recorded one. Errors: as open(), and
    /// store_protocol for other bytes.
    Result<std::string> read(const LocatedImage& image) const;
    /// How often another object was found.
    std::uint64_t changed() const { return changed_; }

  private:
    tl::unexpected<Error> changed(const LocatedImage& image) const;

    storage::records::Publications& publications_;
    Result<std::unique_ptr<storage::objects::ObjectReader>> open_stored(
        const LocatedImage& image, const std::optional<storage::objects::ByteRange>& range) const;

    const pipeline::Stores& stores_;
    DiskCache* const disk_;
    mutable std::atomic<std::uint64_t> changed_{0};
};

}  // namespace photogate::delivery
