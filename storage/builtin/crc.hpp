// The three CRCs of S3's checksums, all reflected. Private to storage/builtin.
//
// CRC-32: polynomial 04C11DB7 (ISO 3309), CRC-32C: 1EDC6F41 (RFC 3720), CRC-64/NVME: AD93D23594C93659 (NVM
// Express 1.0, section 5.2.1.3.4); each starts with all ones and ends complemented.
//
// Thread safety: pure functions over constants.
#pragma once

#include <cstdint>

#include "base/encoding.hpp"

namespace photogate::storage::builtin {

enum class Crc { crc32, crc32c, crc64nvme };

/// Continues from `crc`, the value of the preceding bytes (0 for none).
std::uint64_t extend_crc(Crc which, std::uint64_t crc, BytesView bytes);
/// The value of a's bytes followed by b's, from both values and b's length.
std::uint64_t join_crcs(Crc which, std::uint64_t a, std::uint64_t b, std::uint64_t length_of_b);

}  // namespace photogate::storage::builtin
