// Internal: the directories of a TIFF structure (TIFF 6, section 2), read without trust. Not for other modules.
//
// A directory has at most 512 entries, a value at most 64 KiB; what lies outside the structure has no value.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "imaging/containers/exif_values.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging::exif {

struct TiffHeader {
    Endian endian = Endian::big;
    std::uint32_t first = 0;  ///< where the first directory is
};

/// nullopt where the bytes do not start with a byte order mark and 42.
std::optional<TiffHeader> tiff_header(BytesView tiff);

struct Directory {
    std::vector<Field> fields;  ///< in the file's order; without those that have no value
    std::uint32_t next = 0;     ///< 0 at the chain's end, and where the structure ends before it
};

/// nullopt where there is no directory at `offset`, it has too many entries, or the budget does not allow it.
/// A directory that the structure's end cuts off has the entries before that.
std::optional<Directory> directory_at(BytesView tiff, Endian endian, std::uint32_t offset,
                                      WorkBudget& budget);

/// What an orientation's field (0x0112) says, 1 to 8, in whatever numeric type: cameras and editors write
/// BYTE, LONG, SSHORT or a ratio as well as SHORT, and counts above 1. The first value counts.
std::optional<std::uint8_t> orientation_of(const Field& field, Endian endian);

/// The orientation that the first directory of a TIFF structure names; nullopt where there is none.
std::optional<std::uint8_t> orientation_in(BytesView tiff, WorkBudget& budget);

}  // namespace photogate::imaging::exif
