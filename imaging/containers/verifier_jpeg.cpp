#include <cstdio>
#include <string_view>
#include <utility>

#include "imaging/containers/verifier_readers.hpp"

namespace photogate::imaging::residue {

namespace {

using namespace std::string_view_literals;

std::string segment_name(std::uint8_t marker) {
    if (marker >= 0xE0 && marker <= 0xEF) return "segment:APP" + std::to_string(marker - 0xE0);
    char text[16];
    std::snprintf(text, sizeof text, "segment:0x%02X", marker);
    return text;
}

/// DQT: tables of 65 or 129 bytes, nothing over.
bool quantisation_is_exact(BytesView body) {
    std::size_t at = 0;
    while (at < body.size())
        at += (body[at] >> 4) == 0 ? 65U : 129U;
    return at == body.size();
}

/// DHT: 17 bytes of counts, then that many symbols, nothing over.
bool huffman_is_exact(BytesView body) {
    std::size_t at = 0;
    while (at + 17 <= body.size()) {
        std::size_t symbols = 0;
        for (std::size_t i = 1; i <= 16; ++i)
            symbols += body[at + i];
        at += 17 + symbols;
    }
    return at == body.size();
}

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

class Reader {
  public:
    Reader(BytesView file, Names& names, WorkBudget& budget) : file_(file), names_(names), budget_(budget) {}

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
                if (body.size() < 6 || body.size() != 6U + 3U * body[5]) unreadable();
                return;
            case 0xDA:
                if (body.empty() || body.size() != 4U + 2U * body[0]) unreadable();
                return;
            case 0xDB:
                if (!quantisation_is_exact(body)) unreadable();
                return;
            case 0xC4:
                if (!huffman_is_exact(body)) unreadable();
                return;
            case 0xCC:
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
                if (!text.starts_with("Adobe") || body.size() != 12) names_.add("segment:APP14");
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
    Bytes icc_;
    std::uint32_t icc_next_ = 1;
    std::uint32_t icc_count_ = 0;
    bool scanned_ = false;
};

}  // namespace

void jpeg(BytesView file, Names& names, WorkBudget& budget) {
    Reader(file, names, budget).run();
}

}  // namespace photogate::imaging::residue
