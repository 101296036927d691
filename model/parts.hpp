// How the bytes of a multipart upload are divided into parts.
//
// All parts but the last have one size, as Cloudflare R2 demands; S3 wants at least 5 MiB of them, and at most 10,000.
// The size is chosen once, when the upload is created, and kept with it. Where a client divides a file itself and does not say its
// size, the plan is open: only how many parts there may be is known.
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

/// How many parts so many bytes may have: all but the last have kLeastPartSize at least.
std::uint32_t most_parts_of(ByteSize size);

struct PartPlan {
    ByteSize size = 0;       ///< of the whole; 0: not known, the plan is open
    ByteSize part_size = 0;  ///< at least 1

    bool is_open() const { return size == 0; }
    /// Of an open plan: at most.
    std::uint32_t count() const;
    /// Of the part with this number, from 1 to count(). Of an open plan 0: any.
    ByteSize size_of(std::uint32_t number) const;
    /// Whether a part of this number and size belongs to it.
    bool has(std::uint32_t number, ByteSize bytes) const {
        return number >= 1 && number <= count() && (is_open() || bytes == size_of(number));
    }
};

}  // namespace photogate::model
