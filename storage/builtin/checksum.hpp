// The checksums that S3's `x-amz-checksum-*` headers carry, over bytes that arrive in pieces.
//
// CRC-32 (ISO 3309), CRC-32C (Castagnoli), CRC-64/NVME, SHA-1 and SHA-256, written as S3 writes them: base64
// of the big-endian value. A multipart object has either a checksum of its parts' checksums (`…-3`,
// composite) or, for the CRCs, one of the whole (full object), which is computed from the parts' without
// reading them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
//
// Thread safety: a stream belongs to one thread; the functions are pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace photogate::storage::builtin {

enum class ChecksumAlgorithm { crc32, crc32c, crc64nvme, sha1, sha256 };
enum class ChecksumType { full_object, composite };

/// Kept where the writer names none, as S3 does since 2024.
inline constexpr ChecksumAlgorithm kDefaultChecksum = ChecksumAlgorithm::crc64nvme;

/// `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`: as in x-amz-checksum-algorithm, case-insensitively.
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text);
std::string_view to_string(ChecksumAlgorithm algorithm);
/// `FULL_OBJECT`, `COMPOSITE`.
std::string_view to_string(ChecksumType type);

struct Checksum {
    ChecksumAlgorithm algorithm = ChecksumAlgorithm::sha256;
    std::string value;  ///< base64; of a composite one with its `-N`
    ChecksumType type = ChecksumType::full_object;
    bool operator==(const Checksum&) const = default;
};

/// base64 of the right length for its algorithm. Composite values are not read.
bool is_checksum(ChecksumAlgorithm algorithm, std::string_view base64_text);

class ChecksumStream {
  public:
    explicit ChecksumStream(ChecksumAlgorithm algorithm);
    ~ChecksumStream();
    ChecksumStream(ChecksumStream&&) noexcept;
    ChecksumStream& operator=(ChecksumStream&&) noexcept;
    ChecksumAlgorithm algorithm() const { return algorithm_; }
    void update(BytesView bytes);
    /// Base64, of all bytes so far. Call once; the stream can't be used afterwards.
    std::string finish();

  private:
    struct State;
    ChecksumAlgorithm algorithm_;
    std::unique_ptr<State> state_;
};

/// The checksum of a followed by b, from both checksums (raw bytes) and b's length; only for CRCs.
Bytes combine_crcs(ChecksumAlgorithm algorithm, BytesView a, BytesView b, std::uint64_t length_of_b);

}  // namespace photogate::storage::builtin
