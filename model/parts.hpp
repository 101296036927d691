// How the bytes of a multipart upload are divided into parts.
//
// All parts but the last have one size, as Cloudflare R2 demands; S3 wants at least 5 MiB of them, and at most 10,000.
// The size is chosen once, when the upload is created, and kept with it.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>

#include "base/words.hpp"

namespace photogate::model {

inline constexpr ByteSize kLeastPartSize = 5U << 20;
inline constexpr std::uint32_t kMostParts = 10'000;

/// The least size, in whole MiB, with which so many bytes have at most kMostParts parts.
ByteSize part_size_for(ByteSize size);

struct PartPlan {
    ByteSize size = 0;       ///< of the whole, at least 1
    ByteSize part_size = 0;  ///< at least 1

    std::uint32_t count() const;
    /// Of the part with this number, from 1 to count().
    ByteSize size_of(std::uint32_t number) const;
};

}  // namespace photogate::model
