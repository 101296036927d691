#include <string_view>

#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

class GifStrip {
  public:
    GifStrip(BytesView file, WorkBudget& budget)
        : file_(file), reader_(file, Endian::little), budget_(budget) {}

    Stripped run() {
        out_.reserve(file_.size());
        reader_.skip(10);
        const std::uint8_t packed = reader_.u8();
        reader_.skip(2);
        skip_table(packed);
        if (reader_.ok()) append(out_, file_.first(reader_.position()));
        while (reader_.ok()) {
            const std::size_t start = reader_.position();
            if (!budget_.charge(kEntryWork + 2 * (start - charged_)))
                return cannot_strip(RejectionCode::corrupt, kTooMuchWork);
            charged_ = start;
            // A trailer that is missing is made up for, where there are frames.
            const std::uint8_t introducer = reader_.at_end() && has_frame_ ? 0x3B : reader_.u8();
            if (!reader_.ok()) break;
            if (introducer == 0x3B) {
                out_.push_back(0x3B);
                return std::move(out_);
            }
            if (introducer == 0x00) continue;  // padding
            if (introducer == 0x2C) {
                image(start);
            } else if (introducer == 0x21) {
                extension(start);
            } else {
                return cannot_strip(RejectionCode::corrupt, "an unknown block");
            }
        }
        return cannot_strip(RejectionCode::truncated, "the file ends before the end of the picture");
    }

  private:
    void skip_table(std::uint8_t packed) {
        if ((packed & 0x80U) != 0) reader_.skip(3ULL << ((packed & 7U) + 1));
    }

    void skip_sub_blocks() {
        while (reader_.ok()) {
            const std::uint8_t size = reader_.u8();
            reader_.skip(size);
            if (size == 0) return;
        }
    }

    BytesView since(std::size_t start) const { return file_.subspan(start, reader_.position() - start); }

    void image(std::size_t start) {
        reader_.skip(8);
        skip_table(reader_.u8());
        reader_.skip(1);
        skip_sub_blocks();
        if (!reader_.ok()) return;
        append(out_, control_);
        control_ = {};
        append(out_, since(start));
        has_frame_ = true;
    }

    void extension(std::size_t start) {
        const std::uint8_t label = reader_.u8();
        skip_sub_blocks();
        if (!reader_.ok()) return;
        const BytesView whole = since(start);
        if (label == 0xF9 && whole.size() == 8) control_ = whole;  // belongs to what is drawn next
        if (label == 0x01) control_ = {};                          // to this text, which goes
        if (label == 0xFF) loop(whole);
    }

    /// Only how often to repeat: `NETSCAPE2.0` or `ANIMEXTS1.0`, then 03 01 and a count.
    void loop(BytesView whole) {
        if (whole.size() < 19 || looped_) return;
        const std::string_view name = as_text(whole.subspan(3, 11));
        if ((name != "NETSCAPE2.0" && name != "ANIMEXTS1.0") || whole[2] != 11 || whole[14] != 3 ||
            whole[15] != 1)
            return;
        append(out_, whole.first(18));
        out_.push_back(0);
        looped_ = true;
    }

    BytesView file_;
    ByteReader reader_;
    WorkBudget& budget_;
    std::size_t charged_ = 0;  ///< bytes that are paid for
    Bytes out_;
    BytesView control_;
    bool looped_ = false;
    bool has_frame_ = false;
};

}  // namespace

Stripped strip_gif(BytesView file, WorkBudget& budget) {
    if (!starts_with(file, "GIF87a") && !starts_with(file, "GIF89a"))
        return cannot_strip(RejectionCode::corrupt, "not a GIF");
    return GifStrip(file, budget).run();
}

}  // namespace photogate::imaging
