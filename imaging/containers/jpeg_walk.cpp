#include <array>
#include <cstring>
#include <string_view>

#include "imaging/containers/walk.hpp"
#include "imaging/parts/jpeg_restarts.hpp"
#include "imaging/parts/jpeg_scans.hpp"

namespace photogate::imaging::walk {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExif = "Exif\0"sv;
constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;
constexpr std::string_view kXmpExtended = "http://ns.adobe.com/xmp/extension/\0"sv;
constexpr std::string_view kIcc = "ICC_PROFILE\0"sv;
constexpr std::string_view kPhotoshop = "Photoshop 3.0\0"sv;
constexpr std::string_view kMpf = "MPF\0"sv;
constexpr std::string_view kGainMap = "urn:iso:std:iso:ts:21496:-1\0"sv;
/// Each scan of a progressive picture is a pass over all its blocks, also one of a few bytes.
constexpr std::uint64_t kMaxScannedPixels = 1'000'000'000;
constexpr std::uint32_t kUsualScans = 10;  ///< these are allowed at any size
constexpr std::size_t kMaxTables = 2'000;  ///< DQT, DHT, DAC and DRI segments; a real file has a few per scan

constexpr bool is_restart(std::uint8_t marker) {
    return marker >= 0xD0 && marker <= 0xD7;
}
constexpr bool is_frame_header(std::uint8_t marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

class JpegWalk {
  public:
    JpegWalk(BytesView file, const Limits& limits, WorkBudget& budget)
        : state_{file, limits, budget, {}, {}} {
        state_.found.format = Format::jpeg;
        state_.found.frames = 0;
        state_.found.scans = 0;
    }

    /// The picture is known to be complete at the end of the bytes, whether an EOI stands there or not.
    void ends_with_bytes() { open_end_ = true; }

    Walked run() {
        position_ = 2;  // the caller saw SOI
        while (step()) {
        }
        state_.found.restart_intervals = restarts_.intervals();
        state_.found.restart_faults = restarts_.faults();
        return state_.finish();
    }

    bool reached_scan() const { return state_.found.scans > 0; }
    /// A segment that draws nothing stands behind the first scan, where no encoder puts one.
    bool has_late_segments() const { return late_segments_; }

  private:
    bool step() {
        const std::size_t start = position_;
        const bool found = find_marker();
        if (!state_.work(kEntryWork + position_ - start)) return false;
        if (in_scan_) restarts_.end_scan(position_ - 1);
        if (!found && open_end_) return end_of_image();
        if (!found) return state_.truncated("the file ends before the end of the picture");
        const std::uint8_t marker = state_.file[position_++];
        if (marker == 0xD9) return end_of_image();
        if (marker == 0xD8 && state_.found.scans > 0)
            return state_.truncated("another picture begins before the end of this one");
        if (marker == 0xD8) return state_.corrupt("a second start of image inside the picture");
        if (is_restart(marker) || marker == 0x01) return true;
        return segment(marker);
    }

    /// Leaves position_ on the byte behind 0xFF that is a marker's code. Between segments stray bytes are
    /// skipped, as decoders do; inside a scan this is what ends the entropy-coded data.
    bool find_marker() {
        const BytesView file = state_.file;
        while (position_ < file.size()) {
            const void* hit = std::memchr(file.data() + position_, 0xFF, file.size() - position_);
            if (hit == nullptr) break;
            position_ = static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - file.data()) + 1;
            if (position_ >= file.size()) break;
            const std::uint8_t code = file[position_];
            if (code == 0xFF) continue;  // a fill byte: look at it again as a prefix
            if (in_scan_ && is_restart(code))
                restarts_.marker(code, position_);
            else if (code != 0x00)
                return true;
        }
        position_ = file.size();
        return false;
    }

    bool segment(std::uint8_t marker) {
        in_scan_ = false;
        ByteReader reader(state_.file.subspan(position_));
        const std::uint16_t length = reader.u16();
        if (!reader.ok()) return state_.truncated("the file ends within a segment's length");
        if (length < 2) return state_.corrupt("a segment is shorter than its own length field");
        if (length > state_.file.size() - position_)
            return state_.truncated("a segment is longer than the file");
        const ByteRange body{position_ + 2, static_cast<std::uint64_t>(length) - 2};
        position_ += length;
        if (!state_.work(body.size)) return false;
        if (is_frame_header(marker)) return frame_header(marker, slice(state_.file, body));
        if (marker == 0xDA) return scan(slice(state_.file, body));
        if ((marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE) return application(marker, body);
        if (marker == 0xDD) restarts_.interval(slice(state_.file, body));
        if (++tables_ > kMaxTables) return state_.corrupt("too many table segments");
        return true;
    }

    bool frame_header(std::uint8_t marker, BytesView body) {
        if (has_frame_) return state_.corrupt("two frame headers");
        const bool supported = marker <= 0xC2 || marker == 0xC9 || marker == 0xCA;
        if (!supported)
            return state_.reject(RejectionCode::unsupported_format, "a lossless or hierarchical JPEG");
        ByteReader reader(body);
        const std::uint8_t precision = reader.u8();
        const std::uint16_t height = reader.u16();
        const std::uint16_t width = reader.u16();
        const std::uint8_t components = reader.u8();
        if (!reader.ok()) return state_.corrupt("a frame header that is too short");
        if (precision != 8)
            return state_.reject(RejectionCode::unsupported_format, "a JPEG whose samples are not 8 bits");
        if (components == 0 || components > 4) return state_.corrupt("a JPEG has 1 to 4 components");
        restarts_.frame(body);
        if (body.size() != 6U + 3U * components) return state_.corrupt("a frame header of the wrong length");
        for (unsigned i = 0; i < components; ++i) {
            reader.skip(1);
            const std::uint8_t sampling = reader.u8();
            const unsigned horizontal = sampling >> 4;
            const unsigned vertical = sampling & 15U;
            if (horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4)
                return state_.corrupt("a sampling factor outside 1 to 4");
            reader.skip(1);
        }
        Inspection& found = state_.found;
        has_frame_ = true;
        found.progressive = marker == 0xC2 || marker == 0xCA;
        found.channels = components;
        found.colour = components == 1   ? ColourModel::grey
                       : components == 3 ? ColourModel::rgb
                       : components == 4 ? ColourModel::cmyk
                                         : ColourModel::other;
        return state_.set_size(width, height) && state_.check_raster() &&
               state_.add_frame(static_cast<std::uint64_t>(width) * height);
    }

    bool scan(BytesView body) {
        if (!has_frame_) return state_.corrupt("a scan before the frame header");
        if (body.empty() || body[0] < 1 || body[0] > 4 || body.size() != 4U + 2U * body[0])
            return state_.corrupt("a scan header of the wrong length");
        if (++state_.found.scans > state_.limits.max_scans)
            return state_.reject(RejectionCode::too_many_scans,
                                 "more than " + std::to_string(state_.limits.max_scans) + " scans");
        if (state_.found.scans > kUsualScans &&
            state_.found.scans * state_.found.total_pixels > kMaxScannedPixels)
            return state_.reject(RejectionCode::too_many_scans,
                                 "more scans than a picture of this size may have");
        in_scan_ = true;
        restarts_.scan(body, position_);
        return true;
    }

    bool application(std::uint8_t marker, ByteRange range) {
        if (!state_.add_metadata(range.size)) return false;
        if (state_.found.scans > 0) late_segments_ = true;
        const BytesView body = slice(state_.file, range);
        const auto behind = [&](std::size_t n) { return ByteRange{range.offset + n, range.size - n}; };
        if (marker == 0xFE) state_.add_carrier(CarrierKind::comment, range);
        if (marker == 0xE1) return app1(body, range);
        if (marker == 0xE2) {
            if (starts_with(body, kIcc) && body.size() > 14) state_.add_carrier(CarrierKind::icc, behind(14));
            if (starts_with(body, kMpf)) state_.found.has_mpf = true;
            if (starts_with(body, kGainMap)) state_.found.has_gain_map = true;
        }
        if (marker == 0xEB && starts_with(body, "JP") && as_text(body).find("jumb") != std::string_view::npos)
            state_.found.has_content_credentials = true;
        if (marker == 0xED && starts_with(body, kPhotoshop))
            state_.add_carrier(CarrierKind::photoshop, behind(kPhotoshop.size()));
        return true;
    }

    bool app1(BytesView body, ByteRange range) {
        const auto behind = [&](std::size_t n) { return ByteRange{range.offset + n, range.size - n}; };
        if (starts_with(body, kExif) && body.size() > 6) {
            // Exif that is too long for one segment goes on in the next, which has no header of its own.
            const BytesView tiff = body.subspan(6);
            if (starts_with(tiff, "II*\0"sv) || starts_with(tiff, "MM\0*"sv))
                state_.add_carrier(CarrierKind::exif, behind(6));
            else
                state_.continue_carrier(CarrierKind::exif, behind(6));
        } else if (starts_with(body, kXmp)) {
            state_.add_carrier(CarrierKind::xmp, behind(kXmp.size()));
        } else if (starts_with(body, kXmpExtended) && body.size() > kXmpExtended.size() + 40) {
            state_.add_carrier(CarrierKind::xmp_extended, behind(kXmpExtended.size() + 40));
        }
        return true;
    }

    bool end_of_image() {
        if (!has_frame_ || state_.found.scans == 0) return state_.corrupt("a JPEG without a picture");
        if (position_ < state_.file.size())
            state_.found.trailer = {position_, state_.file.size() - position_};
        return false;  // done, without a fault
    }

    State state_;
    JpegRestarts restarts_;
    std::size_t position_ = 0;
    std::size_t tables_ = 0;
    bool open_end_ = false;
    bool late_segments_ = false;
    bool has_frame_ = false;
    bool in_scan_ = false;
};

/// What cameras append behind the end of image: a further picture (MPF, gain map), a film, Samsung's list of blocks.
/// Its beginning proves that the EOI before it is one, and not two bytes of whatever follows a picture without.
bool is_known_trailer(BytesView trailer) {
    const std::string_view text = as_text(trailer);
    const bool samsung = trailer.size() > 4 && trailer[0] == 0 && trailer[1] == 0 && trailer[3] == 0x0A;
    return text.starts_with("\xFF\xD8\xFF"sv) || text.substr(0, 8).ends_with("ftyp"sv) ||
           (samsung && text.ends_with("SEFT"sv));
}

bool is_about_structure(const Rejection& rejection) {
    return rejection.code == RejectionCode::truncated || rejection.code == RejectionCode::corrupt;
}

/// Whether the markers alone leave it open where the picture ends.
bool is_doubtful(const JpegWalk& walk, const Walked& found, BytesView file) {
    if (!found) return walk.reached_scan() && is_about_structure(found.error());
    return walk.has_late_segments() ||
           (found->has_trailer() && !is_known_trailer(slice(file, found->trailer)));
}

}  // namespace

/// Where markers leave doubt, the codes tell: a picture whose last code was read is complete, and all that follows
/// is a trailer, with or without an EOI.
Walked jpeg(BytesView file, const Limits& limits, WorkBudget& budget) {
    JpegWalk walk(file, limits, budget);
    Walked found = walk.run();
    if (!is_doubtful(walk, found, file)) return found;
    const JpegScans scans = read_jpeg_scans(file, budget);
    const std::size_t end = scans.end();
    const bool has_end = starts_with(file.subspan(end), "\xFF\xD9"sv);
    if (!scans.complete || (!has_end && runs_into_trailer(file, scans))) {
        if (!found && found.error().code == RejectionCode::corrupt)
            return tl::unexpected<Rejection>(
                Rejection{RejectionCode::truncated, "the picture's data end before it is complete"});
        return found;
    }
    JpegWalk whole(file.first(end), limits, budget);
    whole.ends_with_bytes();
    found = whole.run();
    const std::size_t behind = end + (has_end ? 2 : 0);
    if (found && behind < file.size()) found->trailer = {behind, file.size() - behind};
    return found;
}

}  // namespace photogate::imaging::walk
