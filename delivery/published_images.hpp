// The public side: from the name that the public knows to the published bytes.
//
// Only what was made here and committed as published can be found. The store's own headers are never passed
// on: type, caching and validators are what the record says.
//
// Thread safety: any number of threads; blocking.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "delivery/conditions.hpp"
#include "imaging/format.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

struct LocatedImage {
    const pipeline::Store* store = nullptr;
    ObjectKey key;
    ETag etag;  ///< of the object that was published; no other is given out
    std::string media_type;
    std::string filename;  ///< `<public id>.<ext>`: never the client's
    std::uint64_t size = 0;
    Validators validators;
    imaging::Format format = imaging::Format::jpeg;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    // What it is of.
    UploadId upload;
    PublicId public_id;
    AppName app;
    ProfileName profile;
};

/// Of the same image in another version. Errors: unavailable, where this program does not know the format.
Result<LocatedImage> version_of(LocatedImage image, const storage::records::StoredVersion& version);

class PublishedImages {
  public:
    PublishedImages(storage::records::Publications& publications, const pipeline::Stores& stores);

    /// Errors: not_published (unknown, not yet, or rejected: the public learns no more than that), gone
    /// (deleted), and the database_* codes.
    Result<LocatedImage> locate(std::string_view public_id) const;

    /// The bytes, or the range of them, of the very object that was published. Errors: the store_* and http_*
    /// codes; store_no_such_key means that it was deleted just now; store_protocol that another object lies
    /// in its place, which is logged and counted.
    Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const LocatedImage& image, const std::optional<storage::objects::ByteRange>& range) const;
    /// How often another object was found.
    std::uint64_t changed() const { return changed_; }

  private:
    storage::records::Publications& publications_;
    const pipeline::Stores& stores_;
    mutable std::atomic<std::uint64_t> changed_{0};
};

}  // namespace photogate::delivery
