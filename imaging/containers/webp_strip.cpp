#include <string_view>

#include "imaging/containers/icc.hpp"
#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kFrameHeader = 16;
constexpr std::uint8_t kIccFlag = 0x20;
constexpr std::uint8_t kAlphaFlag = 0x10;
constexpr std::uint8_t kAnimationFlag = 0x02;

void put_u32(Bytes& out, std::uint64_t value) {
    for (int shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_riff_chunk(Bytes& out, std::string_view type, BytesView body) {
    append(out, as_bytes(type));
    put_u32(out, body.size());
    append(out, body);
    if ((body.size() & 1U) != 0) out.push_back(0);
}

struct Chunk {
    std::string_view type;
    BytesView body;
};

/// False at the end, where a chunk does not fit (`reader.ok()` tells) or the budget does not allow more.
bool next_chunk(ByteReader& reader, Chunk& chunk, WorkBudget& budget) {
    if (reader.left() < 8 || !budget.charge(kEntryWork)) return false;
    chunk.type = reader.text(4);
    chunk.body = reader.take(reader.u32());
    if ((chunk.body.size() & 1U) != 0 && !reader.at_end()) reader.skip(1);
    return reader.ok() && budget.charge(2 * chunk.body.size());
}

bool is_picture(std::string_view type) {
    return type == "VP8 " || type == "VP8L" || type == "ALPH";
}

/// A frame with nothing but its header and its picture; `body` holds at least the header.
Bytes stripped_frame(BytesView body, WorkBudget& budget) {
    Bytes out;
    append(out, body.first(kFrameHeader));
    out[15] &= 3U;  // reserved bits
    ByteReader reader(body.subspan(kFrameHeader), Endian::little);
    Chunk chunk;
    while (next_chunk(reader, chunk, budget))
        if (is_picture(chunk.type)) put_riff_chunk(out, chunk.type, chunk.body);
    return out;
}

}  // namespace

Stripped strip_webp(BytesView file, WorkBudget& budget) {
    ByteReader header(file, Endian::little);
    const bool riff = header.text(4) == "RIFF";
    const std::uint32_t size = header.u32();
    const bool webp = header.text(4) == "WEBP";
    if (!header.ok() || !riff || !webp || size < 4) return cannot_strip(RejectionCode::corrupt, "not a WebP");
    if (size > file.size() - 8)
        return cannot_strip(RejectionCode::truncated, "the file is shorter than its header says");

    ByteReader reader(file.subspan(12, size - 4), Endian::little);
    Bytes canvas;  // VP8X
    Bytes profile;
    Bytes pictures;  // ANIM and all that draws
    Chunk chunk;
    while (next_chunk(reader, chunk, budget)) {
        if (chunk.type == "VP8X" && canvas.empty() && chunk.body.size() >= 10)
            append(canvas, chunk.body.first(10));
        if (chunk.type == "ICCP" && profile.empty()) profile = publishable_icc(chunk.body, ColourModel::rgb);
        if (chunk.type == "ANIM" && chunk.body.size() >= 6)
            put_riff_chunk(pictures, chunk.type, chunk.body.first(6));
        if (chunk.type == "ANMF" && chunk.body.size() >= kFrameHeader)
            put_riff_chunk(pictures, chunk.type, stripped_frame(chunk.body, budget));
        if (is_picture(chunk.type)) put_riff_chunk(pictures, chunk.type, chunk.body);
    }
    if (budget.exhausted()) return cannot_strip(RejectionCode::corrupt, kTooMuchWork);
    if (!reader.ok()) return cannot_strip(RejectionCode::corrupt, "a chunk is longer than the picture");
    if (pictures.empty()) return cannot_strip(RejectionCode::corrupt, "a WebP without a picture");

    Bytes out;
    out.reserve(file.size());
    append(out, as_bytes("RIFF\0\0\0\0WEBP"sv));
    if (!canvas.empty()) {
        canvas[0] &= kAlphaFlag | kAnimationFlag;  // neither EXIF nor XMP, and the profile only if it stays
        canvas[1] = canvas[2] = canvas[3] = 0;
        if (!profile.empty()) canvas[0] |= kIccFlag;
        put_riff_chunk(out, "VP8X", canvas);
        if (!profile.empty()) put_riff_chunk(out, "ICCP", profile);
    }
    append(out, pictures);
    const std::uint64_t riff_size = out.size() - 8;
    for (std::size_t i = 0; i < 4; ++i)
        out[4 + i] = static_cast<std::uint8_t>(riff_size >> (8 * i));
    return out;
}

}  // namespace photogate::imaging
