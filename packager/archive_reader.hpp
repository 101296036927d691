// The bytes [from, to) of an archive that is stored nowhere, out of its entries' rows and objects.
//
//     ArchiveReader reader{extent, {.from = first, .to = last + 1}, source, opener};
//     while (true) {
//         const auto got = reader.read(piece);          // at least a byte; 0 at the end
//         if (!got || *got == 0) break;
//     }
//
// Headers are made from the rows as they pass; the central directory comes from the rows again, so that a range in it
// reads no object. Memory: one page of rows and one header, whatever the archive's length; an opened object besides, and
// those that are opened ahead.
//
// An object is pinned to its ETag. A read that breaks is resumed by a range, a bounded number of times. Of an entry
// that is read from its first byte to its last the CRC-32 is checked as it passes, and the last piece of one that
// differs is not given out: what a client holds then is visibly incomplete.
//
// Thread safety: as ObjectReader. Interfaces say their own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "packager/zip.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::packager {

/// Where an entry's bytes lie.
struct ObjectPlace {
    Bucket bucket;
    ObjectKey key;
    ETag etag;
    std::string region = {};  ///< where there are several stores: whose
};

/// One entry as it was laid out.
struct PlacedEntry {
    std::uint64_t position = 0;  ///< from 0, without gaps
    Entry entry;
    std::uint64_t offset = 0;  ///< Layout::add(): of its local header
    std::uint64_t directory_offset =
        0;               ///< Layout::directory_size() before: of its central record, from the directory
    ObjectPlace object;  ///< unused if the entry is empty
};

/// Where a page of entries begins.
struct PageStart {
    enum class By {
        position,
        offset,           ///< the entry whose header or bytes hold this byte of the archive
        directory_offset  ///< the entry whose record holds this byte of the central directory
    };
    By by = By::position;
    std::uint64_t value = 0;
};

/// The rows of an archive, by pages.
class EntrySource {
  public:
    virtual ~EntrySource() = default;
    /// The entry there and some of those that follow it, in order; as many as the source likes to hold in memory. Empty
    /// behind the last. Any thread; blocks. Errors: as the source says.
    virtual Result<std::vector<PlacedEntry>> page(const PageStart& start) = 0;
};

/// Opens entries' objects.
class EntryOpener {
  public:
    virtual ~EntryOpener() = default;
    /// The bytes of `range` of the entry's object, which is never empty, pinned to the ETag. Any thread; blocks until the
    /// store has begun to answer. Errors: as ObjectStore::open(); store_precondition_failed for another object.
    virtual Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const PlacedEntry& entry, const storage::objects::ByteRange& range) = 0;
};

/// Entries' objects in one store, which outlives it.
class StoreOpener final : public EntryOpener {
  public:
    explicit StoreOpener(storage::objects::ObjectStore& store) : store_(store) {}
    Result<std::unique_ptr<storage::objects::ObjectReader>> open(
        const PlacedEntry& entry, const storage::objects::ByteRange& range) override;

  private:
    storage::objects::ObjectStore& store_;
};

/// A part of an archive.
struct Span {
    std::uint64_t from = 0;
    std::uint64_t to = 0;  ///< exclusive
};

/// The bytes of one entry that a span has, where it does not have all of them.
struct EntryFragment {
    std::uint64_t position = 0;  ///< the entry
    std::uint64_t length = 0;
    std::uint32_t crc32 = 0;
    bool ends = false;              ///< with the entry
    std::uint32_t whole_crc32 = 0;  ///< of the entry, as it was laid out
    bool operator==(const EntryFragment&) const = default;
};

struct ArchiveReaderOptions {
    /// Runs a task on another thread, soon, and gives back whether it will. Empty: nothing is opened ahead.
    std::function<bool(std::function<void()>)> post = {};
    /// How many objects may be opened before it is their turn: 1 hides the store's latency from large ones, more
    /// from small ones. A connection to the store each.
    std::size_t ahead = 1;
    /// How often one entry may be taken up again.
    std::uint32_t resumptions = 3;
    /// What info() says of the whole archive.
    ETag etag = {};
    Timestamp modified{};
};

class ArchiveReader final : public storage::objects::ObjectReader {
  public:
    /// `span` lies within the archive. The source outlives it; an opener is kept as long as something is being
    /// opened.
    ArchiveReader(const Extent& extent, Span span, std::shared_ptr<EntrySource> source,
                  std::shared_ptr<EntryOpener> opener, ArchiveReaderOptions options = {});
    ~ArchiveReader() override;

    const storage::objects::ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return span_.to - span_.from; }
    /// Errors besides those of the source and the opener: store_checksum_mismatch for an entry whose bytes
    /// are not those that were laid out, size_mismatch, internal for rows that are no layout.
    Result<std::size_t> read(std::span<std::uint8_t> out) override;
    /// Of a span that was read to its end: what it has of entries that it cuts, the first and the last at most.
    const std::vector<EntryFragment>& fragments() const { return fragments_; }
    /// The entry whose object could not be read, where that is why read() failed.
    std::optional<std::uint64_t> broken_entry() const { return broken_entry_; }

  private:
    class Opening;

    Result<std::size_t> read_some(std::span<std::uint8_t> out);
    Result<std::size_t> read_entry(std::span<std::uint8_t> out);
    Result<std::size_t> read_object(const PlacedEntry& placed, std::span<std::uint8_t> out);
    Result<std::size_t> read_piece(const PlacedEntry& placed, std::span<std::uint8_t> out);
    Result<std::size_t> read_directory(std::span<std::uint8_t> out);
    Result<std::size_t> copy(const std::string& text, std::uint64_t begin, std::span<std::uint8_t> out);
    /// Makes current_ the entry that holds the byte.
    Result<const PlacedEntry*> find(PageStart start);
    /// The entry behind the current one in the page; null at the page's end.
    const PlacedEntry* peek(std::size_t distance) const;
    Result<> open(const PlacedEntry& placed);
    void open_ahead();
    /// Of the entry's bytes, those that the span holds from `begin` on.
    storage::objects::ByteRange wanted(const PlacedEntry& placed, std::uint64_t begin) const;

    const Extent extent_;
    const Span span_;
    const std::shared_ptr<EntrySource> source_;
    const std::shared_ptr<EntryOpener> opener_;
    const ArchiveReaderOptions options_;
    storage::objects::ObjectInfo info_;

    std::uint64_t at_;  // the next byte of the archive
    std::vector<PlacedEntry> page_;
    std::size_t current_ = 0;  // in the page
    bool page_is_of_directory_ = false;
    std::string text_;  // the header or record that is being given out
    std::optional<std::uint64_t> text_at_;
    std::unique_ptr<storage::objects::ObjectReader> object_;  // of the current entry, at at_
    std::deque<std::shared_ptr<Opening>> openings_;           // of those that follow, in order
    std::uint32_t resumed_ = 0;
    bool whole_ = false;  // the current entry has been read from its first byte
    std::uint32_t crc32_ = 0;
    std::uint64_t read_of_entry_ = 0;  // the bytes that crc32_ is of
    std::vector<EntryFragment> fragments_;
    std::optional<Error> broken_;
    std::optional<std::uint64_t> broken_entry_;
};

}  // namespace photogate::packager
