// The bytes of a ZIP archive around its entries, from PKWARE's APPNOTE.TXT 6.3.10: local headers (4.3.7), central
// directory (4.3.12), ZIP64 (4.3.14, 4.3.15, 4.5.3) and end of central directory (4.3.16).
//
// Entries are stored, not compressed: photos do not shrink, and what is stored can be laid out before it is read.
// An entry's size and CRC-32 are known, so there is no data descriptor, which readers of a stream can't use with
// stored entries. ZIP64 fields are there where a value does not fit without them, and nowhere else: readers
// that do not know them read every archive that can do without. The same entries give the same bytes.
//
// Thread safety: pure functions and values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::packager {

struct Entry {
    /// UTF-8, at most kLongestName bytes, with `/` between folders; names.hpp makes safe ones.
    std::string name;
    std::uint64_t size = 0;   ///< bytes
    std::uint32_t crc32 = 0;  ///< of all of them
    /// Written as MS-DOS time in UTC, held within 1980 to 2107, and to the second as an extended timestamp
    /// (0x5455) where that is in 1970 to 2038, which all readers understand alike.
    std::chrono::sys_seconds modified{};
    bool operator==(const Entry&) const = default;
};

inline constexpr std::size_t kLongestName = 65'535;

/// CRC-32 of IEEE 802.3 (4.4.7), continued: `crc` is that of the bytes before, 0 at the beginning.
std::uint32_t crc32(std::uint32_t crc, BytesView bytes);
/// Of bytes whose CRC-32 is `first`, with `length` more behind them, whose own is `second`.
std::uint32_t joined_crc32(std::uint32_t first, std::uint32_t second, std::uint64_t length);

/// What stands before the entry's bytes.
std::string local_header(const Entry& entry);
std::uint64_t local_header_size(const Entry& entry);

/// `offset` is that of the entry's local header.
std::string central_record(const Entry& entry, std::uint64_t offset);
std::uint64_t central_record_size(const Entry& entry, std::uint64_t offset);

/// Where everything is in an archive; its parts follow each other without gaps.
struct Extent {
    std::uint64_t entries = 0;
    std::uint64_t central_offset = 0;  ///< of the central directory's first record; the end of the last entry
    std::uint64_t central_size = 0;    ///< of its records
    std::uint64_t size = 0;            ///< of the whole archive
    bool operator==(const Extent&) const = default;
};

/// What stands behind the last record: the ZIP64 records where they are needed, and the end of central
/// directory.
std::string end_of_archive(std::uint64_t entries, std::uint64_t central_offset, std::uint64_t central_size);
std::uint64_t end_of_archive_size(std::uint64_t entries, std::uint64_t central_offset,
                                  std::uint64_t central_size);

/// Lays entries out one behind the other.
///
/// Thread safety: one thread.
class Layout {
  public:
    Layout() = default;
    /// Continues where another stopped.
    Layout(std::uint64_t entries, std::uint64_t next_offset, std::uint64_t directory_size)
        : entries_(entries), next_offset_(next_offset), directory_size_(directory_size) {}

    /// The offset of its local header.
    std::uint64_t add(const Entry& entry);

    std::uint64_t entries() const { return entries_; }
    std::uint64_t next_offset() const { return next_offset_; }
    /// Before add(): where the next entry's record will begin, counted from the central directory's beginning.
    std::uint64_t directory_size() const { return directory_size_; }
    Extent finish() const;

  private:
    std::uint64_t entries_ = 0;
    std::uint64_t next_offset_ = 0;
    std::uint64_t directory_size_ = 0;
};

}  // namespace photogate::packager
