// PNG, WebP and GIF: flat lists of chunks and blocks.
#include <algorithm>
#include <array>
#include <string_view>

#include "imaging/containers/verifier_readers.hpp"
#include "imaging/parts/inflate.hpp"

namespace photogate::imaging::verifier {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxProfile = 4U << 20;

constexpr std::array kPngDrawing = {"IHDR"sv, "PLTE"sv, "tRNS"sv, "IDAT"sv, "acTL"sv, "fcTL"sv,
                                    "fdAT"sv, "gAMA"sv, "cHRM"sv, "sRGB"sv, "sBIT"sv, "cICP"sv,
                                    "mDCV"sv, "cLLI"sv, "bKGD"sv, "pHYs"sv};

void png_text(BytesView body, Names& names) {
    names.add("text");
    const std::string_view text = as_text(body);
    if (text.starts_with("XML:com.adobe.xmp") || text.starts_with("Raw profile type xmp")) names.add("xmp");
    if (text.starts_with("Raw profile type exif") || text.starts_with("Raw profile type APP1"))
        names.add("exif");
    if (text.starts_with("Raw profile type iptc")) names.add("iptc");
}

void png_profile(BytesView body, Names& names) {
    const std::size_t name = as_text(body).find('\0');
    const bool ours = name != std::string_view::npos && name + 2 < body.size();
    const auto plain = ours ? inflate(body.subspan(name + 2), kMaxProfile) : std::nullopt;
    if (plain && as_text(body).starts_with("icc\0\0"sv))
        icc_profile(*plain, names);
    else
        names.add("icc");
}

constexpr std::size_t longest_png_chunk(std::string_view type) {
    if (type == "gAMA" || type == "cICP") return 4;
    if (type == "cHRM") return 32;
    if (type == "sRGB") return 1;
    if (type == "pHYs") return 9;
    if (type == "sBIT") return 4;
    if (type == "bKGD") return 6;
    if (type == "mDCV") return 24;
    if (type == "cLLI" || type == "acTL") return 8;
    if (type == "tRNS") return 256;
    return SIZE_MAX;
}

enum class Within { file, frame };

/// Chunks of a WebP, or of one of its frames; frames hold no frames.
void webp_chunks(BytesView file, std::size_t at, std::size_t end, Within within, Names& names,
                 WorkBudget& budget) {
    while (at < end) {
        if (!budget.charge(kEntryWork)) return names.add("unreadable");
        const std::string_view type = text_at(file, at, 4);
        const std::size_t size = le(file, at + 4, 4);
        const std::size_t padded = size + (size & 1U);
        if (at + 8 > end || padded > end - at - 8) {
            names.add("unreadable");
            return;
        }
        const BytesView body = file.subspan(at + 8, size);
        at += 8 + padded;
        if (type == "VP8 " || type == "VP8L" || type == "ALPH" || type == "ANIM") continue;
        if (type == "VP8X") {
            if (size != 10) names.add("unreadable");
            if (size > 0 && (body[0] & 0x08U) != 0) names.add("flag:exif");
            if (size > 0 && (body[0] & 0x04U) != 0) names.add("flag:xmp");
        } else if (type == "ANMF" && within == Within::file) {
            if (size < 16)
                names.add("unreadable");
            else
                webp_chunks(file, at - padded + 16, at, Within::frame, names, budget);
        } else if (type == "ICCP") {
            icc_profile(body, names);
        } else if (type == "EXIF") {
            names.add("exif");
            exif_block(as_text(body).starts_with("Exif") && size >= 6 ? body.subspan(6) : body, names);
        } else if (type == "XMP ") {
            names.add("xmp");
        } else if (type == "C2PA") {
            names.add("content_credentials");
        } else {
            names.add("chunk:" + printable(type));
        }
    }
}

}  // namespace

void png(BytesView file, Names& names, WorkBudget& budget) {
    std::size_t at = 8;
    bool has_profile = false;
    std::uint8_t colour_type = 0;
    while (true) {
        if (!budget.charge(kEntryWork)) return names.add("unreadable");
        const std::size_t size = be(file, at, 4);
        const std::string_view type = text_at(file, at + 4, 4);
        if (at > file.size() || file.size() - at < 12 || size > file.size() - at - 12) {
            names.add("unreadable");
            return;
        }
        const BytesView body = file.subspan(at + 8, size);
        at += 12 + size;
        if (type == "IEND") {
            if (size != 0) names.add("trailer");
            break;
        }
        if (type == "IHDR" && size > 9) colour_type = body[9];
        if (type == "PLTE" && colour_type != 3) names.add("chunk:PLTE");  // suggested colours
        if (one_of(kPngDrawing, type)) {
            if (size > longest_png_chunk(type)) names.add("chunk:" + printable(type));
        } else if (type == "iCCP") {
            if (has_profile)
                names.add("icc");
            else
                png_profile(body, names);
            has_profile = true;
        } else if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
            png_text(body, names);
        } else if (type == "eXIf") {
            names.add("exif");
            exif_block(body, names);
        } else if (type == "tIME") {
            names.add("time");
        } else if (type == "caBX") {
            names.add("content_credentials");
        } else {
            names.add("chunk:" + printable(type));
        }
    }
    if (at != file.size()) names.add("trailer");
}

void webp(BytesView file, Names& names, WorkBudget& budget) {
    const std::size_t size = le(file, 4, 4);
    if (text_at(file, 8, 4) != "WEBP" || size < 4 || size > file.size() - 8) {
        names.add("unreadable");
        return;
    }
    if (size + 8 != file.size()) names.add("trailer");
    webp_chunks(file, 12, size + 8, Within::file, names, budget);
}

void gif(BytesView file, Names& names, WorkBudget& budget) {
    if (file.size() < 14) {
        names.add("unreadable");
        return;
    }
    const auto table = [](std::uint8_t packed) -> std::size_t {
        return (packed & 0x80U) != 0 ? 6U << (packed & 7U) : 0U;
    };
    std::size_t at = 13 + table(file[10]);
    // Leaves `at` behind the terminator; false where the file ends first.
    const auto pass_blocks = [&] {
        while (at < file.size() && file[at] != 0)
            at += 1U + file[at];
        ++at;
        return at <= file.size();
    };
    while (at < file.size() && file[at] != 0x3B) {
        const std::size_t start = at;
        const std::uint8_t label = at + 1 < file.size() ? file[at + 1] : 0;
        if (file[at] == 0x2C && at + 11 < file.size()) {
            at += 11 + table(file[at + 9]);
        } else if (file[at] == 0x21) {
            at += 2;
        } else {
            break;
        }
        if (!pass_blocks()) break;
        if (file[start] == 0x2C || (label == 0xF9 && at - start == 8)) continue;
        const std::string_view name = text_at(file, start + 3, 11);
        const bool loops =
            label == 0xFF && (name == "NETSCAPE2.0" || name == "ANIMEXTS1.0") && at - start == 19;
        if (loops) continue;
        if (label == 0xFE)
            names.add("comment");
        else if (label == 0xFF)
            names.add(name == "XMP DataXMP" ? "xmp" : "application:" + printable(name));
        else
            names.add(label == 0x01 ? "text" : "extension");
    }
    if (!budget.charge(at) || at >= file.size() || file[at] != 0x3B)
        names.add("unreadable");
    else if (at + 1 != file.size())
        names.add("trailer");
}

}  // namespace photogate::imaging::verifier
