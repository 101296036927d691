// Perceptual hashes and how near they are, as the index over them has it: migrations/0009.
//
// Two hashes that differ in at most 4 n + 3 of their 64 bits differ in at most n bits in one of four blocks. So the hashes
// near one are among those that have one of the block values near its own; the rest is an exact comparison.
//
// Thread safety: pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace photogate::storage::records {

/// Bits that may differ at the most. Beyond it hashes of unlike pictures meet, and each step more than doubles the work.
inline constexpr int kMostDistance = 10;

/// 16 hex digits, as an upload has it; nullopt otherwise.
std::optional<std::uint64_t> parse_picture_hash(std::string_view text);

/// How many bits differ.
int distance_between(std::uint64_t a, std::uint64_t b);

/// All hashes that differ in at least `from` and at most `to` bits; `to` is 2 at the most.
std::vector<std::uint64_t> hashes_near(std::uint64_t hash, int from, int to);

/// Block i is bits i, i + 4, i + 8, …, the lowest first.
std::array<std::uint16_t, 4> blocks_of(std::uint64_t hash);

/// The values that a block may have in a hash that is as near as that, for one block of the four at least.
std::vector<std::uint16_t> near_blocks(std::uint16_t block, int distance);

}  // namespace photogate::storage::records
