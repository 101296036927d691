#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "imaging/containers/icc.hpp"
#include "imaging/containers/strippers.hpp"
#include "imaging/parts/jpeg_scans.hpp"
#include "imaging/parts/jpeg_tables.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr std::uint8_t kStart = 0xD8;
constexpr std::uint8_t kEnd = 0xD9;
constexpr std::uint8_t kScan = 0xDA;
constexpr std::string_view kIcc = "ICC_PROFILE\0"sv;
constexpr std::size_t kIccHeader = 14;  ///< the name, this chunk's number from 1, how many there are

struct Segment {
    std::uint8_t marker = 0;
    BytesView whole;  ///< from 0xFF to its end, fill bytes left out
    BytesView body;
};

bool is_frame_header(std::uint8_t marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}
bool is_table(std::uint8_t marker) {
    return marker == 0xC4 || marker == 0xCC || marker == 0xDB || marker == 0xDD;
}

class JpegStrip {
  public:
    JpegStrip(BytesView file, std::uint8_t orientation, WorkBudget& budget)
        : file_(file), orientation_(orientation), budget_(budget) {}

    /// Without what stands between the last code of a scan and the next marker.
    void cut_scans() { scans_ = read_jpeg_scans(file_, budget_); }

    Stripped run() {
        collect_profile();
        position_ = 2;
        out_.reserve(file_.size() + 64);
        out_ = {0xFF, kStart};
        Segment segment;
        while (next(segment)) {
            if (segment.marker == kEnd) break;
            if (!take(segment)) break;
        }
        if (fault_) return tl::unexpected<Rejection>(std::move(*fault_));
        if (!drew_) return cannot_strip(RejectionCode::corrupt, "a JPEG without a picture");
        out_.insert(out_.end(), {0xFF, kEnd});
        return std::move(out_);
    }

  private:
    bool fail(RejectionCode code, const char* detail) {
        fault_ = Rejection{code, detail};
        return false;
    }

    /// The next marker segment; false at the end of the file (a missing end of image is made up for) or on a
    /// fault.
    bool next(Segment& segment) {
        while (true) {
            const auto* at = position_ < file_.size()
                                 ? static_cast<const std::uint8_t*>(
                                       std::memchr(file_.data() + position_, 0xFF, file_.size() - position_))
                                 : nullptr;
            if (at == nullptr) return false;
            std::size_t code = static_cast<std::size_t>(at - file_.data()) + 1;
            while (code < file_.size() && file_[code] == 0xFF)
                ++code;
            if (code >= file_.size()) return false;
            position_ = code + 1;
            if (!budget_.charge(kEntryWork + code - static_cast<std::size_t>(at - file_.data())))
                return fail(RejectionCode::corrupt, kTooMuchWork);
            const std::uint8_t marker = file_[code];
            const bool alone = marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
            if (alone) continue;
            segment.marker = marker;
            if (marker == kEnd) return true;
            ByteReader reader(file_.subspan(position_));
            const std::uint16_t length = reader.u16();
            if (!reader.ok() || length > file_.size() - position_)
                return fail(RejectionCode::truncated, "a segment is longer than the file");
            if (length < 2)
                return fail(RejectionCode::corrupt, "a segment is shorter than its own length field");
            segment.whole = file_.subspan(position_ - 2, length + 2U);
            segment.body = file_.subspan(position_ + 2, length - 2U);
            position_ += length;
            if (!budget_.charge(length)) return fail(RejectionCode::corrupt, kTooMuchWork);
            return true;
        }
    }

    bool take(const Segment& segment) {
        if (segment.marker == kScan) return scan(segment);
        if (is_table(segment.marker))
            return tables_.read(segment.marker, segment.body) ||
                   fail(RejectionCode::corrupt, "a table of the wrong length");
        if (is_frame_header(segment.marker)) {
            if (!frame_.empty()) return fail(RejectionCode::corrupt, "two frame headers");
            frame_ = segment.whole;
            tables_.frame(segment.marker, segment.body);
            return true;
        }
        if (drew_) return true;
        if (segment.marker == 0xE0 && jfif_.empty() && starts_with(segment.body, "JFIF\0"sv) &&
            segment.body.size() >= 14)
            jfif_ = segment.body.first(12);
        if (segment.marker == 0xEE && adobe_ == 0 && starts_with(segment.body, "Adobe"sv) &&
            segment.body.size() >= 12)
            adobe_ = segment.body[11] + 1;
        return true;
    }

    bool scan(const Segment& segment) {
        if (frame_.empty() || segment.body.size() < 6)
            return fail(RejectionCode::corrupt, "a scan that can't be read");
        if (!drew_) put_headers();
        tables_.put_quantisation(segment.body, out_);
        if (!drew_) append(out_, frame_);
        tables_.put_coding(segment.body, out_);
        append(out_, segment.whole);
        return entropy();
    }

    /// The few application segments that stay, each made anew.
    void put_headers() {
        if (!jfif_.empty()) {
            out_.insert(out_.end(), {0xFF, 0xE0, 0x00, 0x10});
            append(out_, jfif_);
            out_.insert(out_.end(), {0x00, 0x00});  // no thumbnail
        }
        if (orientation_ != 1) put_orientation();
        put_profile();
        if (adobe_ == 0) return;
        out_.insert(out_.end(), {0xFF, 0xEE, 0x00, 0x0E, 'A', 'd', 'o', 'b', 'e', 0x00, 0x64, 0x00, 0x00,
                                 0x00, 0x00, static_cast<std::uint8_t>(adobe_ - 1)});
    }

    void put_orientation() {
        static constexpr std::array<std::uint8_t, 36> kExif = {
            0xFF, 0xE1, 0x00, 0x22, 'E',  'x',  'i',  'f',  0x00, 0x00, 'M',  'M',
            0x00, 0x2A, 0x00, 0x00, 0x00, 0x08, 0x00, 0x01, 0x01, 0x12, 0x00, 0x03,
            0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
        const std::size_t start = out_.size();
        append(out_, kExif);
        out_[start + 29] = orientation_;
    }

    void put_profile() {
        constexpr std::size_t kLargest = 65'533 - kIccHeader;
        const std::size_t chunks = (profile_.size() + kLargest - 1) / kLargest;
        for (std::size_t i = 0; i < chunks; ++i) {
            const BytesView piece =
                BytesView(profile_).subspan(i * kLargest, std::min(kLargest, profile_.size() - i * kLargest));
            const std::size_t length = piece.size() + kIccHeader + 2;
            out_.insert(out_.end(), {0xFF, 0xE2, static_cast<std::uint8_t>(length >> 8),
                                     static_cast<std::uint8_t>(length)});
            append(out_, as_bytes(kIcc));
            out_.insert(out_.end(), {static_cast<std::uint8_t>(i + 1), static_cast<std::uint8_t>(chunks)});
            append(out_, piece);
        }
    }

    /// The segments before the first scan, once: all parts of the profile, Adobe's segment, the number of
    /// components.
    void collect_profile() {
        std::vector<BytesView> parts(256);
        std::size_t expected = 0;
        std::size_t found = 0;
        bool sound = true;
        ColourModel colour = ColourModel::other;
        Segment segment;
        position_ = 2;
        while (next(segment) && segment.marker != kEnd && segment.marker != kScan) {
            if (is_frame_header(segment.marker) && segment.body.size() > 5)
                colour = colour_of(segment.body[5]);
            if (segment.marker != 0xE2 || !starts_with(segment.body, kIcc)) continue;
            if (segment.body.size() <= kIccHeader) {
                sound = false;
                continue;
            }
            const std::size_t number = segment.body[12];
            const std::size_t count = segment.body[13];
            if (expected == 0) expected = count;
            if (number == 0 || number > count || count != expected || !parts[number].empty()) sound = false;
            parts[number] = segment.body.subspan(kIccHeader);
            ++found;
        }
        fault_.reset();  // the pass that writes reports it
        if (!sound || expected == 0 || found != expected) return;
        for (const BytesView part : parts)
            append(profile_, part);
        profile_ = publishable_icc(profile_, colour);
    }

    static ColourModel colour_of(std::uint8_t components) {
        if (components == 1) return ColourModel::grey;
        if (components == 3) return ColourModel::rgb;
        return components == 4 ? ColourModel::cmyk : ColourModel::other;
    }

    /// Copies entropy-coded data up to the next marker that is neither a stuffed zero nor a restart. Fill
    /// bytes (T.81, B.1.1.2) are left out, also before a stuffed zero: readers differ over what they mean
    /// there.
    bool entropy() {
        drew_ = true;
        const auto known = std::find_if(scans_.data.begin(), scans_.data.end(),
                                        [&](ByteRange range) { return range.offset == position_; });
        const BytesView whole = file_;
        if (known != scans_.data.end())
            file_ = file_.first(static_cast<std::size_t>(known->offset + known->size));
        const bool copied = copy_entropy();
        if (!scans_.complete || file_.size() != scans_.end())
            file_ = whole;  // behind the last there is nothing
        return copied;
    }

    bool copy_entropy() {
        std::size_t start = position_;  // of what has not been copied yet
        std::size_t end = position_;
        while (true) {
            const auto* at = end < file_.size() ? static_cast<const std::uint8_t*>(std::memchr(
                                                      file_.data() + end, 0xFF, file_.size() - end))
                                                : nullptr;
            end = at == nullptr ? file_.size() : static_cast<std::size_t>(at - file_.data());
            if (end + 1 >= file_.size()) break;
            const std::uint8_t code = file_[end + 1];
            if (code == 0xFF) {
                append(out_, file_.subspan(start, end - start));
                start = ++end;
            } else if (code == 0x00 || (code >= 0xD0 && code <= 0xD7)) {
                end += 2;
            } else {
                break;
            }
        }
        append(out_, file_.subspan(start, end - start));
        const std::size_t begin = std::exchange(position_, end);
        return budget_.charge(2 * (end - begin)) || fail(RejectionCode::corrupt, kTooMuchWork);
    }

    BytesView file_;
    std::uint8_t orientation_;
    WorkBudget& budget_;
    std::size_t position_ = 0;
    Bytes out_;
    Bytes profile_;
    JpegTables tables_;
    JpegScans scans_;
    BytesView frame_;
    BytesView jfif_;
    int adobe_ = 0;  ///< the transform and one; 0: not said
    std::optional<Rejection> fault_;
    bool drew_ = false;
};

}  // namespace

Stripped strip_jpeg(BytesView file, std::uint8_t orientation, Hidden hidden, WorkBudget& budget) {
    if (!starts_with(file, "\xFF\xD8"sv)) return cannot_strip(RejectionCode::corrupt, "not a JPEG");
    if (orientation < 1 || orientation > 8) orientation = 1;
    JpegStrip strip(file, orientation, budget);
    if (hidden == Hidden::removed) strip.cut_scans();
    return strip.run();
}

}  // namespace photogate::imaging
