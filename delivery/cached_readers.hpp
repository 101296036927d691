// Readers between an image's store and a disk cache: one that is given by the cache as long as that is good, and one that
// fills it on the way.
//
// Thread safety: that of ObjectReader.
#pragma once

#include <functional>
#include <memory>

#include "delivery/disk_cache.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::delivery {

/// Whatever the cache has of `range`, and what it turns out not to have of the store.
class CachedReader final : public storage::objects::ObjectReader {
  public:
    using FromStore =
        std::function<Result<std::unique_ptr<ObjectReader>>(const storage::objects::ByteRange&)>;
    CachedReader(std::unique_ptr<ObjectReader> cached, storage::objects::ByteRange range,
                 FromStore from_store);
    const storage::objects::ObjectInfo& info() const override { return reader_->info(); }
    std::uint64_t length() const override { return range_.last - range_.first + 1; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override;

  private:
    std::unique_ptr<ObjectReader> reader_;
    const storage::objects::ByteRange range_;
    FromStore from_store_;  ///< null: it has been asked
    std::uint64_t given_ = 0;
};

/// The store's whole object; what is read to its end is kept.
class FillingReader final : public storage::objects::ObjectReader {
  public:
    FillingReader(std::unique_ptr<ObjectReader> stored, std::unique_ptr<DiskCache::Writer> writer);
    const storage::objects::ObjectInfo& info() const override { return stored_->info(); }
    std::uint64_t length() const override { return stored_->length(); }
    Result<std::size_t> read(std::span<std::uint8_t> out) override;

  private:
    const std::unique_ptr<ObjectReader> stored_;
    std::unique_ptr<DiskCache::Writer> writer_;  ///< null: it is kept, or can't be
    std::uint64_t given_ = 0;
};

}  // namespace photogate::delivery
