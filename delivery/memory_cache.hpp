// The bytes of images that are asked for again and again, in memory.
//
// Bytes are known by the image that they are of and their SHA-256 (LocatedImage::content), so that they can't be stale.
// Whether an image may be served is not asked here: the record is looked at first, always.
//
// What is being sent stays in memory until it is sent, and in the cache as well: the limit holds for both together.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/words.hpp"
#include "delivery/segmented_lru.hpp"

namespace photogate::delivery {

/// What a cache has done so far, and what it holds.
struct CacheCounts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;  ///< for want of room
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
};

class MemoryCache {
  public:
    using Bytes = std::shared_ptr<const std::string>;
    static constexpr std::uint64_t kLargest = 1U << 20;

    /// Bytes in all; 0: nothing is kept.
    explicit MemoryCache(std::uint64_t limit);

    /// Null where they are not here.
    Bytes find(std::string_view content);
    /// Whether an image of this size is ever kept: a cache of few images would be none.
    bool takes(std::uint64_t size) const { return size <= largest_; }
    /// False: there is no room, since all that is here is being sent.
    bool keep(const std::string& content, Bytes bytes);
    /// All that is of this image.
    void forget(const PublicId& image);
    /// The first image that has anything here and is not before this one; nullopt: there is none.
    std::optional<PublicId> image_from(const std::string& first) const;
    CacheCounts counts() const;

  private:
    const std::uint64_t largest_;
    mutable std::mutex mutex_;
    SegmentedLru<Bytes> kept_;
    CacheCounts counts_;
};

}  // namespace photogate::delivery
