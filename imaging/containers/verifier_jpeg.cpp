#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging::verifier {

namespace {

using namespace std::string_view_literals;

std::string segment_name(std::uint8_t marker) {
    if (marker >= 0xE0 && marker <= 0xEF) return "segment:APP" + std::to_string(marker - 0xE0);
    char text[16];
    std::snprintf(text, sizeof text, "segment:0x%02X", marker);
    return text;
}

/// Which tables are defined, and whether a scan has used each before it was defined again or the file ended: one that
/// no scan uses draws nothing.
class TableUse {
  public:
    /// False where the segment does not consist of whole tables.
    bool define(std::uint8_t marker, BytesView body) {
        std::size_t at = 0;
        while (at < body.size()) {
            const std::size_t size = size_of(marker, body.subspan(at));
            if (size == 0 || size > body.size() - at || (body[at] & 15U) > 3 || body[at] >> 4 > 1)
                return false;
            const std::size_t group = marker == 0xDB   ? 0
                                      : marker == 0xC4 ? 1U + (body[at] >> 4)
                                                       : 3U + (body[at] >> 4);
            State& state = tables_[group][body[at] & 3U];
            if (state == State::defined) idle_ = true;
            state = State::defined;
            at += size;
        }
        return at == body.size();
    }

    void frame(std::uint8_t marker, BytesView body) {
        progressive_ = marker == 0xC2 || marker == 0xCA;
        arithmetic_ = marker >= 0xC9;
        frame_ = body;
    }

    void scan(BytesView body) {
        const std::size_t count = body[0];
        const bool dc = !progressive_ || (body[1 + 2 * count] == 0 && body[3 + 2 * count] >> 4 == 0);
        const bool ac = !progressive_ || body[1 + 2 * count] != 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint8_t which = body[2 + 2 * i];
            if (dc) use(arithmetic_ ? 3 : 1, which >> 4);
            if (ac) use(arithmetic_ ? 4 : 2, which);
            for (std::size_t c = 6; c + 2 < frame_.size(); c += 3)
                if (frame_[c] == body[1 + 2 * i]) use(0, frame_[c + 2]);
        }
    }

    bool has_idle() const {
        return idle_ || std::any_of(tables_.begin(), tables_.end(), [](const auto& group) {
                   return std::find(group.begin(), group.end(), State::defined) != group.end();
               });
    }

  private:
    enum class State : std::uint8_t { none, defined, used };

    /// DQT: 65 or 129 bytes; DHT: 17 with the counts, then that many symbols; DAC: 2, with values of their range.
    static std::size_t size_of(std::uint8_t marker, BytesView from) {
        if (marker == 0xDB) return from[0] >> 4 == 0 ? 65 : 129;
        if (marker == 0xCC) {
            if (from.size() < 2) return 0;
            const bool sound = from[0] >> 4 == 0 ? (from[1] & 15U) <= from[1] >> 4 : from[1] - 1U < 63U;
            return sound ? 2 : 0;
        }
        if (from.size() < 17) return 0;
        std::size_t size = 17;
        for (std::size_t i = 1; i <= 16; ++i)
            size += from[i];
        return size;
    }

    void use(std::size_t group, unsigned slot) {
        State& state = tables_[group][slot & 3U];
        if (state == State::defined) state = State::used;
    }

    std::array<std::array<State, 4>, 5> tables_{};
    BytesView frame_;
    bool progressive_ = false;
    bool arithmetic_ = false;
    bool idle_ = false;
};

void app0(BytesView body, Names& names) {
    if (text_at(body, 0, 5) != "JFIF\0"sv)
        names.add(text_at(body, 0, 5) == "JFXX\0"sv ? "jfif.thumbnail" : "segment:APP0");
    else if (body.size() != 14 || body[12] != 0 || body[13] != 0)
        names.add("jfif.thumbnail");
}

void app1(BytesView body, Names& names) {
    const std::string_view text = as_text(body);
    if (text.starts_with("Exif\0"sv)) {
        exif_block(body.subspan(body.size() < 6 ? body.size() : 6), names);
    } else if (text.starts_with("http://ns.adobe.com/")) {
        names.add("xmp");
    } else {
        names.add(text.starts_with("FLIR") ? "thermal" : "segment:APP1");
    }
}

class JpegReader {
  public:
    JpegReader(BytesView file, Names& names, WorkBudget& budget)
        : file_(file), names_(names), budget_(budget) {}

    void run() {
        std::size_t at = 2;
        while (true) {
            if (at + 2 > file_.size() || file_[at] != 0xFF) return unreadable();
            const std::uint8_t marker = file_[at + 1];
            at += 2;
            if (marker == 0xD9) break;
            const std::uint32_t length = be(file_, at, 2);
            if (length < 2 || at + length > file_.size()) return unreadable();
            if (!budget_.charge(kEntryWork + length)) return unreadable();
            const BytesView body = file_.subspan(at + 2, length - 2);
            at += length;
            segment(marker, body);
            if (marker != 0xDA) continue;
            const std::size_t scan = std::exchange(at, behind_scan(at));
            if (!budget_.charge(at - scan)) return unreadable();
        }
        if (!scanned_) return unreadable();
        if (tables_.has_idle()) names_.add("tables");
        if (at != file_.size()) names_.add("trailer");
        if (icc_next_ != 1 && icc_next_ != icc_count_ + 1) names_.add("icc");
        if (!icc_.empty()) icc_profile(icc_, names_);
    }

  private:
    void unreadable() { names_.add("unreadable"); }

    /// Entropy-coded bytes: FF is followed by 00 or a restart, or it starts the next marker.
    std::size_t behind_scan(std::size_t at) {
        scanned_ = true;
        while (at + 1 < file_.size()) {
            if (file_[at] != 0xFF) {
                const std::size_t next = as_text(file_).find('\xFF', at);
                at = next == std::string_view::npos ? file_.size() : next;
                continue;
            }
            const std::uint8_t code = file_[at + 1];
            if (code != 0x00 && (code < 0xD0 || code > 0xD7)) break;
            at += 2;
        }
        return at;
    }

    void segment(std::uint8_t marker, BytesView body) {
        switch (marker) {
            case 0xC0:
            case 0xC1:
            case 0xC2:
            case 0xC9:
            case 0xCA:
                if (body.size() < 6 || body.size() != 6U + 3U * body[5]) return unreadable();
                return tables_.frame(marker, body);
            case 0xDA:
                if (body.empty() || body[0] == 0 || body.size() != 4U + 2U * body[0]) return unreadable();
                return tables_.scan(body);
            case 0xDB:
            case 0xC4:
            case 0xCC:
                if (!tables_.define(marker, body)) unreadable();
                return;
            case 0xDD:
                if (body.size() != 2) unreadable();
                return;
            default:
                other(marker, body);
        }
    }

    void other(std::uint8_t marker, BytesView body) {
        const std::string_view text = as_text(body);
        switch (marker) {
            case 0xE0:
                return app0(body, names_);
            case 0xE1:
                return app1(body, names_);
            case 0xE2:
                return app2(body);
            case 0xEB:
                names_.add(text.find("jumb") != std::string_view::npos ? "content_credentials"
                                                                       : "segment:APP11");
                return;
            case 0xED:
                names_.add("photoshop");
                // Resource 0x0404 is where IPTC lives.
                if (text.find("8BIM\x04\x04"sv) != std::string_view::npos) names_.add("iptc");
                return;
            case 0xEE:
                if (body.size() != 12 || !text.starts_with("Adobe\0\x64\0\0\0\0"sv))
                    names_.add("segment:APP14");
                return;
            case 0xFE:
                names_.add("comment");
                return;
            default:
                names_.add(segment_name(marker));
                return;
        }
    }

    void app2(BytesView body) {
        const std::string_view text = as_text(body);
        if (text.starts_with("ICC_PROFILE\0"sv) && body.size() > 14) {
            if (body[12] != icc_next_ || (icc_count_ != 0 && body[13] != icc_count_)) names_.add("icc");
            icc_count_ = body[13];
            ++icc_next_;
            icc_.insert(icc_.end(), body.begin() + 14, body.end());
        } else if (text.starts_with("MPF\0"sv)) {
            names_.add("mpf");
        } else if (text.starts_with("urn:iso:std:iso:ts:21496")) {
            names_.add("gain_map");
        } else {
            names_.add(text.starts_with("FPXR\0"sv) ? "flashpix" : "segment:APP2");
        }
    }

    BytesView file_;
    Names& names_;
    WorkBudget& budget_;
    TableUse tables_;
    Bytes icc_;
    std::uint32_t icc_next_ = 1;
    std::uint32_t icc_count_ = 0;
    bool scanned_ = false;
};

}  // namespace

void jpeg(BytesView file, Names& names, WorkBudget& budget) {
    JpegReader(file, names, budget).run();
}

}  // namespace photogate::imaging::verifier
