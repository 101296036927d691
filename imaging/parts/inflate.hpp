// Bounded inflation of zlib streams in metadata. Never produces more than asked, whatever the stream says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/encoding.hpp"

namespace photogate::imaging {

/// The size of the stream inflated, or `limit + 1` where it is larger: stops there. A broken stream counts
/// what came before.
std::uint64_t inflated_size(BytesView zlib_stream, std::uint64_t limit);
/// Of a stream in pieces, as a PNG's pixels are.
std::uint64_t inflated_size(std::span<const BytesView> zlib_stream, std::uint64_t limit);

/// Whether the stream ends as it should, its checksum included, after at least that many bytes. No more than an
/// eighth and a MiB beyond them are inflated to find out.
bool is_whole_stream(std::span<const BytesView> zlib_stream, std::uint64_t least);

/// Deflate's best: no stream inflates to more times its size.
inline constexpr std::uint64_t kMaxInflation = 1'032;

/// nullopt where the stream is broken, cut off, or larger than `limit`. Bytes behind its end are ignored.
std::optional<Bytes> inflate(BytesView zlib_stream, std::size_t limit);

/// A zlib stream of our own making.
Bytes deflate(BytesView plain);

/// CRC-32 as PNG has it.
std::uint32_t crc32(BytesView bytes);

}  // namespace photogate::imaging
