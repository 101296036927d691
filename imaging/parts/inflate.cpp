#include "imaging/parts/inflate.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <zlib.h>

namespace photogate::imaging {

namespace {

constexpr std::size_t kWindow = 16 * 1024;

struct InflateEnd {
    void operator()(z_stream* stream) const {
        inflateEnd(stream);
        delete stream;
    }
};
using Inflater = std::unique_ptr<z_stream, InflateEnd>;

Inflater open_inflater(BytesView input) {
    auto stream = std::make_unique<z_stream>();
    *stream = {};
    if (inflateInit(stream.get()) != Z_OK) return nullptr;
    Inflater inflater(stream.release());
    inflater->next_in = const_cast<Bytef*>(input.data());  // zlib does not write through it
    inflater->avail_in = static_cast<uInt>(std::min<std::size_t>(input.size(), 1U << 30));
    return inflater;
}

enum class End { whole, broken, over_limit };

template <class Sink>
End inflate_into(BytesView input, std::uint64_t limit, Sink sink) {
    Inflater inflater = open_inflater(input);
    if (!inflater) return End::broken;
    std::array<Bytef, kWindow> window;
    std::uint64_t total = 0;
    while (true) {
        inflater->next_out = window.data();
        inflater->avail_out = static_cast<uInt>(window.size());
        const int status = ::inflate(inflater.get(), Z_NO_FLUSH);
        const std::size_t produced = window.size() - inflater->avail_out;
        total += produced;
        if (total > limit) return End::over_limit;
        sink(BytesView(window.data(), produced));
        if (status == Z_STREAM_END) return End::whole;
        if (status != Z_OK || produced == 0) return End::broken;
    }
}

}  // namespace

namespace {

struct Inflated {
    std::uint64_t size = 0;  ///< up to the end, the fault or beyond the limit
    End end = End::broken;
};

Inflated inflate_pieces(std::span<const BytesView> zlib_stream, std::uint64_t limit) {
    Inflated found;
    Inflater inflater = open_inflater({});
    if (!inflater) return found;
    std::array<Bytef, kWindow> window;
    for (const BytesView piece : zlib_stream) {
        inflater->next_in = const_cast<Bytef*>(piece.data());  // zlib does not write through it
        inflater->avail_in = static_cast<uInt>(std::min<std::size_t>(piece.size(), 1U << 30));
        do {
            inflater->next_out = window.data();
            inflater->avail_out = static_cast<uInt>(window.size());
            const int status = ::inflate(inflater.get(), Z_NO_FLUSH);
            found.size += window.size() - inflater->avail_out;
            if (found.size > limit) {
                found.end = End::over_limit;
                return found;
            }
            if (status == Z_BUF_ERROR) break;  // this piece is used up
            if (status == Z_STREAM_END) found.end = End::whole;
            if (status != Z_OK) return found;
        } while (inflater->avail_in > 0 || inflater->avail_out == 0);
    }
    return found;
}

}  // namespace

std::uint64_t inflated_size(std::span<const BytesView> zlib_stream, std::uint64_t limit) {
    return std::min(inflate_pieces(zlib_stream, limit).size, limit + 1);
}

bool is_whole_stream(std::span<const BytesView> zlib_stream, std::uint64_t least) {
    const Inflated found = inflate_pieces(zlib_stream, least + least / 8 + (1U << 20));
    return found.end == End::whole && found.size >= least;
}

std::uint64_t inflated_size(BytesView zlib_stream, std::uint64_t limit) {
    return inflated_size(std::span(&zlib_stream, 1), limit);
}

std::optional<Bytes> inflate(BytesView zlib_stream, std::size_t limit) {
    Bytes out;
    const End end = inflate_into(zlib_stream, limit,
                                 [&](BytesView piece) { out.insert(out.end(), piece.begin(), piece.end()); });
    if (end != End::whole) return std::nullopt;
    return out;
}

Bytes deflate(BytesView plain) {
    uLongf size = compressBound(static_cast<uLong>(plain.size()));
    Bytes out(size);
    if (compress2(out.data(), &size, plain.data(), static_cast<uLong>(plain.size()), Z_DEFAULT_COMPRESSION) !=
        Z_OK)
        size = 0;
    out.resize(size);
    return out;
}

std::uint32_t crc32(BytesView bytes) {
    return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size()));
}

}  // namespace photogate::imaging
