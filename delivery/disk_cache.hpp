// Images of a distant store, kept in a folder of this machine within a limit of bytes.
//
// A file is an image's bytes and, behind them, the CRC-32 of each block of them. It is written beside its place, its
// SHA-256 is compared with the recorded one, and only then is it renamed; each block is verified as it is read. So a
// crash at any instant leaves nothing that is served, and a damaged file costs a look into the store and is removed.
// A folder that can't be written, a full disk included, means that nothing more is kept, never that a request fails.
//
// Files are known by the image that they are of and their SHA-256 (LocatedImage::content). Whether an image may be served
// is not asked here.
//
// Thread safety: any thread; a Writer and a reader each by one at a time. All calls may block on the disk.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "base/words.hpp"
#include "delivery/memory_cache.hpp"
#include "delivery/segmented_lru.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::delivery {

class DiskCache {
  public:
    static constexpr std::size_t kBlock = 64U << 10;

    struct Options {
        std::filesystem::path folder;
        std::uint64_t limit = 0;         ///< bytes of all files together, unfinished ones included
        std::chrono::seconds pause{10};  ///< without writing, after the disk refused something
    };

    /// Makes the folder, and takes it for this process alone. What is in it is found by a thread; until that has ended,
    /// nothing is read or kept. Errors: file_error.
    static Result<std::unique_ptr<DiskCache>> open(Options options);
    ~DiskCache();
    DiskCache(const DiskCache&) = delete;
    DiskCache& operator=(const DiskCache&) = delete;

    /// Null where it is not here. An error of its read() means that the file is damaged, and has been removed.
    std::unique_ptr<storage::objects::ObjectReader> find(
        const std::string& content, std::uint64_t size,
        const std::optional<storage::objects::ByteRange>& range);

    /// What is being written; discarded by its destruction.
    class Writer {
      public:
        Writer(DiskCache& cache, std::string content, std::uint64_t size);
        ~Writer();
        Writer(const Writer&) = delete;
        Writer& operator=(const Writer&) = delete;
        /// The next bytes, in order. False: the disk refused them; there is no use in more.
        bool append(std::span<const std::uint8_t> bytes);
        /// All are there. False: they are not the image's, or the disk refused them.
        bool finish();

      private:
        struct State;
        const std::unique_ptr<State> state_;
    };
    /// Null where it is not to be kept: it is here, or being written, or there is no room for it.
    std::unique_ptr<Writer> write(const std::string& content, std::uint64_t size);

    /// All that is of this image.
    void forget(const PublicId& image);
    /// The first image that has anything here and is not before this one; nullopt: there is none.
    std::optional<PublicId> image_from(const std::string& first) const;
    /// Waits until what was in the folder is known: for tests.
    void wait_until_loaded();

    struct Counts : CacheCounts {
        std::uint64_t damaged = 0;  ///< files that were not what was written
        std::uint64_t refused = 0;  ///< writes that the disk refused
    };
    Counts counts() const;

  private:
    friend class Writer;
    class Reader;
    struct Kept {};
    DiskCache(Options options, Descriptor lock);
    std::filesystem::path path_of(const std::string& content) const;
    void load();
    void remove_files(const std::vector<std::string>& contents) const;
    void damaged(const std::string& content);
    void disk_refused();
    void writing_ended(const std::string& content, std::uint64_t weight);
    bool keep(const std::string& content, std::uint64_t weight);

    const Options options_;
    const Descriptor lock_;  ///< of the folder, against another process
    std::atomic<bool> loaded_{false};
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    SegmentedLru<Kept> kept_;
    std::set<std::string> writing_;
    std::uint64_t writing_weight_ = 0;
    std::chrono::steady_clock::time_point paused_until_{};
    Counts counts_;
    std::thread loader_;  ///< last: it uses the above
};

}  // namespace photogate::delivery
