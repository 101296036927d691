#include "storage/records/picture_hash.hpp"

#include <bit>

#include "base/encoding.hpp"

namespace photogate::storage::records {
namespace {

constexpr int kBlocks = 4;
constexpr int kBlockBits = 16;

/// Those of at most `most` bits, each once: every further bit is above the others.
void add_flipped(std::uint16_t block, int from, int most, std::vector<std::uint16_t>& into) {
    into.push_back(block);
    if (most == 0) return;
    for (int bit = from; bit < kBlockBits; ++bit)
        add_flipped(static_cast<std::uint16_t>(block ^ (1U << bit)), bit + 1, most - 1, into);
}

}  // namespace

std::optional<std::uint64_t> parse_picture_hash(std::string_view text) {
    const auto bytes = text.size() == 16 ? from_hex(text) : std::nullopt;
    if (!bytes) return std::nullopt;
    std::uint64_t hash = 0;
    for (const auto byte : *bytes)
        hash = hash << 8 | byte;
    return hash;
}

int distance_between(std::uint64_t a, std::uint64_t b) {
    return std::popcount(a ^ b);
}

std::vector<std::uint64_t> hashes_near(std::uint64_t hash, int from, int to) {
    constexpr int kBits = 64;
    std::vector<std::uint64_t> near;
    if (from <= 0) near.push_back(hash);
    for (int one = 0; one < kBits && to >= 1; ++one) {
        const auto first = hash ^ (std::uint64_t{1} << one);
        if (from <= 1) near.push_back(first);
        for (int other = one + 1; other < kBits && to >= 2; ++other)
            near.push_back(first ^ (std::uint64_t{1} << other));
    }
    return near;
}

std::array<std::uint16_t, 4> blocks_of(std::uint64_t hash) {
    std::array<std::uint16_t, 4> blocks{};
    for (int bit = 0; bit < kBlocks * kBlockBits; ++bit) {
        auto& block = blocks[static_cast<std::size_t>(bit % kBlocks)];
        block = static_cast<std::uint16_t>(block | (hash >> bit & 1) << bit / kBlocks);
    }
    return blocks;
}

std::vector<std::uint16_t> near_blocks(std::uint16_t block, int distance) {
    std::vector<std::uint16_t> near;
    add_flipped(block, 0, distance / kBlocks, near);
    return near;
}

}  // namespace photogate::storage::records
