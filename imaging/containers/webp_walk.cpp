#include <string_view>

#include "imaging/containers/walk.hpp"

namespace photogate::imaging::walk {

namespace {

using namespace std::string_view_literals;

struct RiffChunk {
    std::string_view type;
    ByteRange body;
};

struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    bool operator==(const Size&) const = default;
};

/// Size in a key frame's header (RFC 6386, 9.1).
std::optional<Size> lossy_size(BytesView body) {
    ByteReader reader(body, Endian::little);
    const std::uint32_t tag = reader.u24();
    const bool key_frame = (tag & 1U) == 0;
    const std::string_view start = reader.text(3);
    const Size size{reader.u16() & 0x3FFFU, reader.u16() & 0x3FFFU};
    if (!reader.ok() || !key_frame || start != "\x9D\x01\x2A"sv) return std::nullopt;
    return size;
}

std::optional<Size> lossless_size(BytesView body) {
    ByteReader reader(body, Endian::little);
    const std::uint8_t signature = reader.u8();
    const std::uint32_t bits = reader.u32();
    if (!reader.ok() || signature != 0x2F || bits >> 29 != 0) return std::nullopt;
    return Size{(bits & 0x3FFFU) + 1, (bits >> 14 & 0x3FFFU) + 1};
}

class WebpWalk {
  public:
    WebpWalk(BytesView file, const Limits& limits, WorkBudget& budget)
        : state_{file, limits, budget, {}, {}} {
        state_.found.format = Format::webp;
        state_.found.frames = 0;
    }

    Walked run() {
        ByteReader header(state_.file, Endian::little);
        header.skip(4);
        const std::uint64_t end = static_cast<std::uint64_t>(header.u32()) + 8;
        if (end > state_.file.size()) {
            state_.truncated("the file is shorter than its header says");
            return state_.finish();
        }
        std::uint64_t position = 12;
        while (position + 8 <= end && state_.work(kEntryWork)) {
            const RiffChunk chunk = chunk_at(position);
            if (!fits(chunk.body, end)) {
                state_.corrupt("a chunk is longer than the picture");
                break;
            }
            position = chunk.body.offset + chunk.body.size + (chunk.body.size & 1U);
            if (!top_level(chunk)) break;
        }
        if (!state_.fault) finish_picture(end);
        return state_.finish();
    }

  private:
    RiffChunk chunk_at(std::uint64_t position) const {
        ByteReader reader(state_.file, Endian::little);
        reader.seek(position);
        const std::string_view type = reader.text(4);
        const std::uint32_t size = reader.u32();
        return {type, {position + 8, size}};
    }

    bool top_level(const RiffChunk& chunk) {
        const BytesView body = slice(state_.file, chunk.body);
        if (chunk.type == "VP8X") return extended(body);
        if (chunk.type == "VP8 " || chunk.type == "VP8L") return still(chunk, body);
        if (chunk.type == "ANMF") return frame(chunk.body, body);
        if (chunk.type == "ALPH") {
            state_.found.has_alpha = true;
            return true;
        }
        if (chunk.type == "ANIM")
            return body.size() >= 6 || state_.corrupt("an animation header that is too short");
        return metadata(chunk, body);
    }

    bool extended(BytesView body) {
        if (has_canvas_ || state_.found.frames != 0)
            return state_.corrupt("an extended header in the wrong place");
        ByteReader reader(body, Endian::little);
        const std::uint32_t flags = reader.u32();
        const std::uint32_t width = reader.u24() + 1;
        const std::uint32_t height = reader.u24() + 1;
        if (!reader.ok()) return state_.corrupt("an extended header that is too short");
        state_.found.has_alpha = (flags & 0x10U) != 0;
        state_.found.animated = (flags & 0x02U) != 0;
        has_canvas_ = true;
        return state_.set_size(width, height) && state_.check_raster();
    }

    std::optional<Size> coded_size(const RiffChunk& chunk, BytesView body) {
        if (chunk.type == "VP8L" && body.size() > 4 && (body[4] & 0x10U) != 0) state_.found.has_alpha = true;
        return chunk.type == "VP8L" ? lossless_size(body) : lossy_size(body);
    }

    bool still(const RiffChunk& chunk, BytesView body) {
        const std::optional<Size> size = coded_size(chunk, body);
        if (!size) return state_.corrupt("a picture chunk without a valid header");
        if (state_.found.frames != 0 || state_.found.animated)
            return state_.corrupt("more than one still picture");
        if (has_canvas_ && *size != Size{state_.found.width, state_.found.height})
            return state_.corrupt("the picture's size is not the canvas'");
        return state_.set_size(size->width, size->height) &&
               state_.add_frame(static_cast<std::uint64_t>(size->width) * size->height);
    }

    bool frame(ByteRange range, BytesView body) {
        if (!has_canvas_ || !state_.found.animated) return state_.corrupt("a frame without an animation");
        ByteReader reader(body, Endian::little);
        const std::uint64_t x = 2ULL * reader.u24();
        const std::uint64_t y = 2ULL * reader.u24();
        const Size size{reader.u24() + 1, reader.u24() + 1};
        reader.skip(4);  // duration, blending
        if (!reader.ok()) return state_.corrupt("a frame header that is too short");
        if (x + size.width > state_.found.width || y + size.height > state_.found.height)
            return state_.corrupt("a frame outside the canvas");
        std::uint64_t position = range.offset + 16;
        const std::uint64_t end = range.offset + range.size;
        bool painted = false;
        while (position + 8 <= end) {
            if (!state_.work(kEntryWork)) return false;
            const RiffChunk chunk = chunk_at(position);
            if (!fits(chunk.body, end)) return state_.corrupt("a chunk is longer than its frame");
            position = chunk.body.offset + chunk.body.size + (chunk.body.size & 1U);
            if (chunk.type == "ALPH") continue;
            if (chunk.type != "VP8 " && chunk.type != "VP8L") {
                if (!metadata(chunk, slice(state_.file, chunk.body))) return false;
                continue;
            }
            if (painted || coded_size(chunk, slice(state_.file, chunk.body)) != size)
                return state_.corrupt("a frame's picture is not of its frame's size");
            painted = true;
        }
        if (!painted) return state_.corrupt("a frame without a picture");
        return state_.add_frame(static_cast<std::uint64_t>(state_.found.width) * state_.found.height);
    }

    bool metadata(const RiffChunk& chunk, BytesView body) {
        if (!state_.add_metadata(body.size())) return false;
        if (chunk.type == "ICCP") state_.add_carrier(CarrierKind::icc, chunk.body);
        if (chunk.type == "XMP ") state_.add_carrier(CarrierKind::xmp, chunk.body);
        if (chunk.type == "C2PA") state_.found.has_content_credentials = true;
        if (chunk.type == "EXIF") {
            // Some writers leave JPEG's identifier in front.
            const std::uint64_t prefix = starts_with(body, "Exif\0\0"sv) ? 6 : 0;
            const ByteRange tiff{chunk.body.offset + prefix, chunk.body.size - prefix};
            state_.add_carrier(CarrierKind::exif, tiff);
        }
        return true;
    }

    void finish_picture(std::uint64_t end) {
        if (state_.found.frames == 0) {
            state_.truncated("a WebP without a picture");
            return;
        }
        state_.found.channels = state_.found.has_alpha ? 4 : 3;
        if (end < state_.file.size()) state_.found.trailer = {end, state_.file.size() - end};
    }

    State state_;
    bool has_canvas_ = false;
};

}  // namespace

Walked webp(BytesView file, const Limits& limits, WorkBudget& budget) {
    return WebpWalk(file, limits, budget).run();
}

}  // namespace photogate::imaging::walk
