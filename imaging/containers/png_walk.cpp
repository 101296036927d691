#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/ascii.hpp"
#include "imaging/containers/walk.hpp"
#include "imaging/parts/inflate.hpp"

namespace photogate::imaging::walk {

namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kSignature = 8;
constexpr std::uint32_t kMaxChunk = 0x7FFFFFFF;

struct Chunk {
    std::string_view type;
    ByteRange body;
};

/// A keyword of at most 79 bytes and its terminator; npos where there is none.
std::size_t keyword_end(BytesView body) {
    const auto stop = body.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(body.size(), 80));
    const auto zero = std::find(body.begin(), stop, std::uint8_t{0});
    return zero == stop ? std::string_view::npos : static_cast<std::size_t>(zero - body.begin());
}

bool is_name(std::string_view type) {
    return std::all_of(type.begin(), type.end(), ascii::is_letter);
}

class PngWalk {
  public:
    PngWalk(BytesView file, const Limits& limits, WorkBudget& budget) : state_{file, limits, budget, {}, {}} {
        state_.found.format = Format::png;
        state_.found.frames = 0;
    }

    Walked run() {
        std::uint64_t position = kSignature;
        while (!done_) {
            ByteReader reader(state_.file);
            reader.seek(position);
            const std::uint32_t length = reader.u32();
            const std::string_view type = reader.text(4);
            const ByteRange body{position + 8, length};
            reader.skip(length);
            const std::uint32_t crc = reader.u32();
            if (length > kMaxChunk || !reader.ok() || !is_name(type)) {
                if (!is_whole()) state_.truncated("the file ends before the end of the picture");
                break;
            }
            position = reader.position();
            if (!chunk({type, body}, crc)) break;
        }
        if (!state_.fault) finish_picture(position);
        return state_.finish();
    }

  private:
    bool chunk(const Chunk& chunk, std::uint32_t crc) {
        const BytesView body = slice(state_.file, chunk.body);
        const bool drawing =
            is_critical(chunk.type) || chunk.type == "fdAT" || chunk.type == "fcTL" || chunk.type == "acTL";
        if (!state_.work(kEntryWork + (drawing ? body.size() : 0))) return false;
        if (drawing) {
            const BytesView covered =
                state_.file.subspan(static_cast<std::size_t>(chunk.body.offset) - 4, body.size() + 4);
            if (crc32(covered) != crc) return state_.corrupt("a chunk whose checksum is wrong");
        }
        if (!has_header_ && chunk.type != "IHDR") {
            if (chunk.type == "CgBI")
                return state_.reject(RejectionCode::unsupported_format, "an iOS application's PNG");
            return state_.corrupt("a PNG that does not start with its header");
        }
        if (is_critical(chunk.type)) return critical(chunk, body);
        if (drawing) return animation(chunk, body);
        return ancillary(chunk, body);
    }

    static bool is_critical(std::string_view type) { return ascii::is_upper(type[0]); }

    bool critical(const Chunk& chunk, BytesView body) {
        if (chunk.type == "IHDR") return header(body);
        if (chunk.type == "PLTE") {
            if (has_palette_ || has_data_) return state_.corrupt("a palette in the wrong place");
            if (body.empty() || body.size() % 3 != 0 || body.size() > 768)
                return state_.corrupt("a palette of the wrong length");
            has_palette_ = true;
            return true;
        }
        if (chunk.type == "IDAT") {
            if (colour_type_ == 3 && !has_palette_)
                return state_.corrupt("a palette picture without a palette");
            has_data_ = true;
            data_.push_back(body);
            last_data_ = &data_;
            return true;
        }
        if (chunk.type == "IEND") {
            done_ = true;
            return true;
        }
        return state_.corrupt("an unknown critical chunk");
    }

    bool header(BytesView body) {
        if (has_header_) return state_.corrupt("two headers");
        if (body.size() != 13) return state_.corrupt("a header of the wrong length");
        ByteReader reader(body);
        const std::uint32_t width = reader.u32();
        const std::uint32_t height = reader.u32();
        const std::uint8_t depth = reader.u8();
        colour_type_ = reader.u8();
        const std::uint8_t compression = reader.u8();
        const std::uint8_t filter = reader.u8();
        const std::uint8_t interlace = reader.u8();
        if (!depth_allowed(depth) || compression != 0 || filter != 0 || interlace > 1)
            return state_.corrupt("a header with an impossible depth, colour type or method");
        Inspection& found = state_.found;
        found.bits_per_channel = colour_type_ == 3 ? 8 : depth;
        found.channels = colour_type_ == 0 ? 1 : colour_type_ == 4 ? 2 : colour_type_ == 6 ? 4 : 3;
        found.colour = colour_type_ == 0 || colour_type_ == 4 ? ColourModel::grey : ColourModel::rgb;
        found.has_alpha = colour_type_ == 4 || colour_type_ == 6;
        found.progressive = interlace == 1;
        bits_per_pixel_ = static_cast<std::uint64_t>(depth) * (colour_type_ == 3 ? 1 : found.channels);
        has_header_ = true;
        return state_.set_size(width, height) && state_.check_raster();
    }

    bool depth_allowed(std::uint8_t depth) const {
        switch (colour_type_) {
            case 0:
                return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
            case 3:
                return depth == 1 || depth == 2 || depth == 4 || depth == 8;
            case 2:
            case 4:
            case 6:
                return depth == 8 || depth == 16;
            default:
                return false;
        }
    }

    std::uint64_t canvas() const {
        return static_cast<std::uint64_t>(state_.found.width) * state_.found.height;
    }

    bool animation(const Chunk& chunk, BytesView body) {
        if (chunk.type == "acTL") {
            if (body.size() != 8 || has_data_)
                return state_.corrupt("an animation header in the wrong place");
            state_.found.animated = true;
            stated_frames_ = ByteReader(body).u32();
            return true;
        }
        if (!state_.found.animated) return true;  // without its header there is no animation
        if (chunk.type == "fdAT") {
            if (body.size() < 4) return state_.corrupt("a frame's data without a number");
            frame_data_.push_back(body.subspan(4));
            return true;
        }
        ByteReader reader(body);
        reader.skip(4);
        const std::uint64_t width = reader.u32();
        const std::uint64_t height = reader.u32();
        const std::uint64_t x = reader.u32();
        const std::uint64_t y = reader.u32();
        if (body.size() != 26 || width == 0 || height == 0)
            return state_.corrupt("a frame header that makes no sense");
        if (x + width > state_.found.width || y + height > state_.found.height)
            return state_.corrupt("a frame outside the picture");
        // Before the first IDAT this is the header of the picture itself.
        frame_data_.clear();
        last_data_ = has_data_ ? &frame_data_ : &data_;
        last_raster_ = raster_bytes(width, height);
        return state_.add_frame(canvas());
    }

    /// Without an IEND: all pixels are there, those of the last frame too.
    bool is_whole() {
        if (state_.fault || !has_data_ || (state_.found.animated && state_.found.frames < stated_frames_))
            return false;
        // Inflating costs no more than the decoder's own pass.
        return is_whole_stream(data_, raster_bytes(state_.found.width, state_.found.height)) &&
               (last_data_ == &data_ || is_whole_stream(frame_data_, last_raster_));
    }

    bool ancillary(const Chunk& chunk, BytesView body) {
        const std::size_t name = keyword_end(body);
        const auto behind = [&](std::size_t n) {
            n = std::min(n, body.size());
            return ByteRange{chunk.body.offset + n, chunk.body.size - n};
        };
        if (chunk.type == "tRNS") state_.found.has_alpha = true;
        if (chunk.type == "caBX") state_.found.has_content_credentials = true;
        if (chunk.type == "eXIf") exif(body, chunk.body);
        if (chunk.type == "tEXt" && name != std::string_view::npos)
            text(as_text(body.first(name)), behind(name + 1), CarrierCoding::plain);
        if (chunk.type == "zTXt" && name != std::string_view::npos)
            text(as_text(body.first(name)), behind(name + 2), CarrierCoding::zlib);
        if (chunk.type == "iCCP" && name != std::string_view::npos)
            state_.add_carrier(CarrierKind::icc, behind(name + 2), CarrierCoding::zlib);
        if (chunk.type == "iTXt" && name != std::string_view::npos)
            return international_text(chunk.body, body, name);
        return state_.add_metadata(body.size());
    }

    bool international_text(ByteRange range, BytesView body, std::size_t name) {
        ByteReader reader(body);
        reader.seek(name + 1);
        const bool packed = reader.u8() != 0;
        reader.skip(1);
        for (int field = 0; field < 2; ++field) {  // language tag, translated keyword
            while (reader.ok() && reader.u8() != 0) {
            }
        }
        if (reader.ok()) {
            const ByteRange value{range.offset + reader.position(), reader.left()};
            text(as_text(body.first(name)), value, packed ? CarrierCoding::zlib : CarrierCoding::plain);
        }
        return state_.work(body.size()) && state_.add_metadata(body.size());
    }

    void text(std::string_view keyword, ByteRange value, CarrierCoding coding) {
        const CarrierCoding hex =
            coding == CarrierCoding::zlib ? CarrierCoding::zlib_hex_text : CarrierCoding::hex_text;
        if (keyword == "XML:com.adobe.xmp") {
            state_.add_carrier(CarrierKind::xmp, value, coding);
        } else if (keyword == "Raw profile type exif" || keyword == "Raw profile type APP1") {
            state_.add_carrier(CarrierKind::exif, value, hex);
        } else if (keyword == "Raw profile type iptc") {
            state_.add_carrier(CarrierKind::photoshop, value, hex);
        } else if (keyword == "Raw profile type xmp") {
            state_.add_carrier(CarrierKind::xmp, value, hex);
        } else {
            state_.add_carrier(CarrierKind::comment, value, coding);
        }
    }

    void exif(BytesView body, ByteRange range) {
        // Some writers leave JPEG's identifier in front.
        const std::uint64_t prefix = starts_with(body, "Exif\0\0"sv) ? 6 : 0;
        const ByteRange tiff{range.offset + prefix, range.size - prefix};
        state_.add_carrier(CarrierKind::exif, tiff);
    }

    void finish_picture(std::uint64_t end) {
        if (!has_data_) {
            state_.corrupt("a PNG without pixels");
            return;
        }
        if (state_.found.frames == 0 && !state_.add_frame(canvas())) return;
        if (!data_fits()) return;
        if (end < state_.file.size()) state_.found.trailer = {end, state_.file.size() - end};
    }

    /// Bytes of all rows of a frame, each with its filter's number; for Adam7, of the rows of all seven passes.
    std::uint64_t raster_bytes(std::uint64_t width, std::uint64_t height) const {
        struct Pass {
            std::uint64_t x, y, step_x, step_y;
        };
        static constexpr std::array<Pass, 7> kAdam7 = {{{0, 0, 8, 8},
                                                        {4, 0, 8, 8},
                                                        {0, 4, 4, 8},
                                                        {2, 0, 4, 4},
                                                        {0, 2, 2, 4},
                                                        {1, 0, 2, 2},
                                                        {0, 1, 1, 2}}};
        const auto rows = [&](std::uint64_t columns, std::uint64_t count) {
            return columns == 0 ? 0 : count * (1 + (columns * bits_per_pixel_ + 7) / 8);
        };
        if (!state_.found.progressive) return rows(width, height);
        std::uint64_t total = 0;
        for (const Pass& pass : kAdam7)
            if (width > pass.x && height > pass.y)
                total +=
                    rows((width - pass.x - 1) / pass.step_x + 1, (height - pass.y - 1) / pass.step_y + 1);
        return total;
    }

    /// A decoder inflates the pixels to the stream's end, also what is far behind the last row: a megabyte
    /// holds a gigabyte. Inflated here only where the stream could be much larger than the rows; that costs
    /// no more than the decoder's own pass over them.
    bool data_fits() {
        const std::uint64_t needed = raster_bytes(state_.found.width, state_.found.height);
        const std::uint64_t allowed = needed + needed / 8 + (1U << 20);
        std::uint64_t stored = 0;
        for (const BytesView piece : data_)
            stored += piece.size();
        if (stored * kMaxInflation <= allowed) return true;
        return inflated_size(data_, allowed) <= allowed ||
               state_.corrupt("there are far more bytes of pixels than the picture's size needs");
    }

    State state_;
    std::vector<BytesView> data_;        ///< of the IDAT chunks
    std::vector<BytesView> frame_data_;  ///< of the fdAT chunks of the last frame
    const std::vector<BytesView>* last_data_ = &data_;
    std::uint64_t last_raster_ = 0;
    std::uint32_t stated_frames_ = 0;
    std::uint64_t bits_per_pixel_ = 0;
    std::uint8_t colour_type_ = 0;
    bool has_header_ = false;
    bool has_palette_ = false;
    bool has_data_ = false;
    bool done_ = false;
};

}  // namespace

Walked png(BytesView file, const Limits& limits, WorkBudget& budget) {
    return PngWalk(file, limits, budget).run();
}

}  // namespace photogate::imaging::walk
