#include <algorithm>
#include <string_view>

#include "imaging/containers/walk.hpp"

namespace photogate::imaging::walk {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kXmpTrailer = 258;  ///< the "magic trailer" that makes raw XMP look like sub-blocks

/// What transports leave at the end of a file.
bool is_filling(BytesView bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) {
        return byte == 0x00 || byte == '\r' || byte == '\n' || byte == ' ' || byte == 0x1A || byte == 0xFF;
    });
}

class GifWalk {
  public:
    GifWalk(BytesView file, const Limits& limits, WorkBudget& budget)
        : state_{file, limits, budget, {}, {}}, reader_(file, Endian::little) {
        state_.found.format = Format::gif;
        state_.found.frames = 0;
    }

    Walked run() {
        if (screen())
            while (block()) {
            }
        return state_.finish();
    }

  private:
    bool screen() {
        reader_.skip(6);
        screen_width_ = reader_.u16();
        screen_height_ = reader_.u16();
        const std::uint8_t packed = reader_.u8();
        reader_.skip(2);
        if ((packed & 0x80U) != 0) reader_.skip(3ULL << ((packed & 7U) + 1));
        if (!reader_.ok()) return state_.truncated("the file ends within its header");
        if (screen_width_ == 0 || screen_height_ == 0)
            return true;  // the first frame gives the size, as browsers do
        return state_.set_size(screen_width_, screen_height_);
    }

    bool block() {
        const std::size_t start = reader_.position();
        if (!state_.work(kEntryWork + start - charged_)) return false;
        charged_ = start;
        const std::uint8_t introducer = reader_.u8();
        if (!reader_.ok()) return end_of_file();
        switch (introducer) {
            case 0x2C:
                return image();
            case 0x21:
                return extension();
            case 0x3B:
                return trailer();
            case 0x00:
                return true;  // some writers pad
            default:
                if (!is_filling(state_.file.subspan(start))) return state_.corrupt("an unknown block");
                state_.found.trailer = {start, state_.file.size() - start};
                return end_of_file();
        }
    }

    /// Between blocks, after whole frames: only the trailer is missing. A graphic control that nothing follows
    /// announces a frame that is cut off.
    bool end_of_file() {
        if (state_.found.frames == 0 || announced_)
            return state_.truncated("the file ends before the end of the picture");
        finish();
        return false;
    }

    bool image() {
        announced_ = false;
        const std::uint32_t x = reader_.u16();
        const std::uint32_t y = reader_.u16();
        const std::uint32_t width = reader_.u16();
        const std::uint32_t height = reader_.u16();
        const std::uint8_t packed = reader_.u8();
        if ((packed & 0x80U) != 0) reader_.skip(3ULL << ((packed & 7U) + 1));
        const std::uint8_t code_size = reader_.u8();
        if (!reader_.ok()) return state_.truncated("the file ends within a frame");
        if (width == 0 || height == 0) return state_.corrupt("a frame without width or height");
        if (code_size < 1 || code_size > 11) return state_.corrupt("an impossible code size");
        if (state_.found.width == 0 && !state_.set_size(x + width, y + height)) return false;
        if (x >= state_.found.width || y >= state_.found.height)
            return state_.corrupt("a frame outside the screen");
        if ((packed & 0x40U) != 0) state_.found.progressive = true;
        // A frame that sticks out makes some decoders grow the canvas.
        const std::uint64_t canvas_width = std::max(state_.found.width, x + width);
        const std::uint64_t canvas_height = std::max(state_.found.height, y + height);
        if (!state_.check_size(canvas_width, canvas_height) ||
            !state_.add_frame(canvas_width * canvas_height))
            return false;
        state_.found.animated = state_.found.frames > 1;
        return sub_blocks();
    }

    /// Passes data sub-blocks up to their terminator.
    bool sub_blocks() {
        while (true) {
            const std::uint8_t size = reader_.u8();
            reader_.skip(size);
            if (!reader_.ok()) return state_.truncated("the file ends within a block");
            if (size == 0) return true;
        }
    }

    bool extension() {
        const std::uint8_t label = reader_.u8();
        const std::size_t start = reader_.position();
        if (!sub_blocks()) return false;
        const ByteRange range{start, reader_.position() - start};
        if (label == 0x01) announced_ = false;
        if (label == 0xF9) {
            announced_ = true;
            const BytesView body = slice(state_.file, range);
            if (body.size() > 1 && (body[1] & 1U) != 0) state_.found.has_alpha = true;
            return true;
        }
        if (!state_.add_metadata(range.size)) return false;
        if (label == 0xFE) state_.add_carrier(CarrierKind::comment, range);
        if (label == 0xFF) application(range);
        return true;
    }

    void application(ByteRange range) {
        const BytesView body = slice(state_.file, range);
        if (body.size() < 12 || body[0] != 11) return;
        const std::string_view name = as_text(body.subspan(1, 11));
        if (name == "XMP DataXMP" && range.size > 12 + kXmpTrailer)
            state_.add_carrier(CarrierKind::xmp, {range.offset + 12, range.size - 12 - kXmpTrailer});
        if (name == "ICCRGBG1012") state_.found.has_icc = true;
        if (name == "C2PA_GIF\x01\x00\x00"sv) state_.found.has_content_credentials = true;
    }

    bool trailer() {
        if (state_.found.frames == 0) return state_.corrupt("a GIF without a picture");
        if (!reader_.at_end()) state_.found.trailer = {reader_.position(), reader_.left()};
        finish();
        return false;  // done, without a fault
    }

    void finish() { state_.found.channels = state_.found.has_alpha ? 4 : 3; }

    State state_;
    ByteReader reader_;
    std::size_t charged_ = 0;  ///< bytes that are paid for
    std::uint32_t screen_width_ = 0;
    std::uint32_t screen_height_ = 0;
    bool announced_ = false;  ///< a graphic control waits for its frame
};

}  // namespace

Walked gif(BytesView file, const Limits& limits, WorkBudget& budget) {
    return GifWalk(file, limits, budget).run();
}

}  // namespace photogate::imaging::walk
