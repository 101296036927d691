#include "imaging/containers/sniff.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/ascii.hpp"
#include "imaging/byte_reader.hpp"
#include "imaging/containers/camera_raw.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kSniffBytes = 4096;

struct Magic {
    std::string_view bytes;
    std::string_view name;
};

using namespace std::string_view_literals;

constexpr std::array kRefused = {
    Magic{"BM"sv, "BMP"},
    Magic{"%PDF-"sv, "PDF"},
    Magic{"%!PS"sv, "PostScript"},
    Magic{"\xC5\xD0\xD3\xC6"sv, "PostScript"},
    Magic{"8BPS"sv, "PSD"},
    Magic{"\x00\x00\x01\x00"sv, "ICO"},
    Magic{"\x00\x00\x02\x00"sv, "CUR"},
    Magic{"\xFF\x0A"sv, "JPEG XL"},
    Magic{"\x00\x00\x00\x0CJXL "sv, "JPEG XL"},
    Magic{"\x00\x00\x00\x0CjP  "sv, "JPEG 2000"},
    Magic{"\xFF\x4F\xFF\x51"sv, "JPEG 2000"},
    Magic{"II+\0"sv, "BigTIFF"},
    Magic{"MM\0+"sv, "BigTIFF"},
    Magic{"II\xBC\x01"sv, "JPEG XR"},
    Magic{"IIRO"sv, "Olympus raw"},
    Magic{"IIRS"sv, "Olympus raw"},
    Magic{"MMOR"sv, "Olympus raw"},
    Magic{"IIU\0"sv, "Panasonic raw"},
    Magic{"FUJIFILMCCD-RAW"sv, "Fujifilm raw"},
    Magic{"II\x1A\0\0\0HEAPCCDR"sv, "Canon raw"},
    Magic{"\0MRM"sv, "Minolta raw"},
    Magic{"FOVb"sv, "Sigma raw"},
    Magic{"v/1\x01"sv, "OpenEXR"},
    Magic{"#?RADIANCE"sv, "Radiance HDR"},
    Magic{"/* XPM */"sv, "XPM"},
    Magic{"qoif"sv, "QOI"},
    Magic{"gimp xcf"sv, "XCF"},
    Magic{"\x8AMNG"sv, "MNG"},
    Magic{"\x8BJNG"sv, "JNG"},
    Magic{"DDS "sv, "DDS"},
    Magic{"\xD7\xCD\xC6\x9A"sv, "WMF"},
};

bool is_portable_anymap(BytesView head) {
    return head.size() > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' &&
           (head[2] == '\n' || head[2] == ' ' || head[2] == '\r' || head[2] == '\t');
}

/// SVG is text: `<svg` may stand behind white space, a byte order mark, a prolog, comments and a DOCTYPE.
bool is_svg(BytesView head) {
    std::string_view text = as_text(head);
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '<') return false;
    const auto lower = ascii::to_lower(text.substr(first));
    if (lower.starts_with("<svg")) return true;
    const bool prolog =
        lower.starts_with("<?xml") || lower.starts_with("<!doctype svg") || lower.starts_with("<!--");
    return prolog && lower.find("<svg") != std::string::npos;
}

bool is_heic_brand(std::string_view brand) {
    return brand == "heic" || brand == "heix" || brand == "heim" || brand == "heis" || brand == "hevc" ||
           brand == "hevx";
}

std::optional<Sniffed> sniff_ftyp(BytesView head) {
    ByteReader reader(head);
    const std::uint32_t size = reader.u32();
    if (reader.text(4) != "ftyp") return std::nullopt;
    const std::string_view major = reader.text(4);
    if (!reader.ok()) return std::nullopt;
    if (major == "avif") return Format::avif;
    if (is_heic_brand(major)) return Format::heic;
    if (major == "avis") return UnsupportedKind{"animated AVIF"};
    if (major == "mif1" || major == "msf1" || major == "miaf") {
        reader.skip(4);  // minor version
        while (reader.ok() && reader.position() + 4 <= size) {
            const std::string_view brand = reader.text(4);
            if (brand == "avif") return Format::avif;
            if (is_heic_brand(brand)) return Format::heic;
        }
        return UnsupportedKind{"HEIF of an unknown coding"};
    }
    if (major == "jxl ") return UnsupportedKind{"JPEG XL"};
    if (major == "jp2 ") return UnsupportedKind{"JPEG 2000"};
    if (major == "crx ") return UnsupportedKind{"Canon raw"};
    return UnsupportedKind{"a film or an unknown ISO media file"};
}

/// A TIFF's directories may lie anywhere, so the whole file is looked at.
std::optional<Sniffed> sniff_tiff(BytesView file) {
    if (!starts_with(file, "II*\0"sv) && !starts_with(file, "MM\0*"sv)) return std::nullopt;
    const BytesView behind = file.subspan(std::min<std::size_t>(file.size(), 8));
    if (starts_with(behind, "CR")) return UnsupportedKind{"Canon raw"};
    if (starts_with(behind, "IIII") || starts_with(behind, "MMMM")) return UnsupportedKind{"Phase One raw"};
    if (is_camera_raw(file)) return UnsupportedKind{"a camera's raw file"};
    return Format::tiff;
}

tl::unexpected<Rejection> reject(RejectionCode code, std::string detail) {
    return tl::unexpected<Rejection>(Rejection{code, std::move(detail)});
}

}  // namespace

std::optional<Sniffed> sniff(BytesView file) {
    const BytesView head = file.first(std::min(file.size(), kSniffBytes));
    if (starts_with(head, "\xFF\xD8\xFF"sv)) return Format::jpeg;
    if (starts_with(head, "\x89PNG\r\n\x1A\n"sv)) return Format::png;
    if (starts_with(head, "GIF87a"sv) || starts_with(head, "GIF89a"sv)) return Format::gif;
    if (starts_with(head, "RIFF"sv) && head.size() >= 12 && head_text(head.subspan(8), 4) == "WEBP")
        return Format::webp;
    for (const Magic& magic : kRefused)
        if (starts_with(head, magic.bytes)) return UnsupportedKind{magic.name};
    if (auto found = sniff_ftyp(head)) return found;
    if (auto found = sniff_tiff(file)) return found;
    if (is_portable_anymap(head)) return UnsupportedKind{"PNM"};
    if (is_svg(head)) return UnsupportedKind{"SVG"};
    return std::nullopt;
}

bool contradicts(std::string_view declared_type, Format found) {
    const DeclaredType declared = read_media_type(declared_type);
    return declared.says != DeclaredType::Says::nothing && declared.format != found;
}

tl::expected<Format, Rejection> admit(BytesView file, const Admission& admission) {
    if (file.empty()) return reject(RejectionCode::empty, "the file has no bytes");
    const std::optional<Sniffed> found = sniff(file);
    if (!found) return reject(RejectionCode::not_an_image, "the file is not a picture of any known format");
    if (const auto* refused = std::get_if<UnsupportedKind>(&*found))
        return reject(RejectionCode::unsupported_format,
                      "the file is " + std::string(refused->name) + ", which is not taken");
    const Format format = std::get<Format>(*found);
    if (admission.declared_type && contradicts(*admission.declared_type, format))
        return reject(RejectionCode::mime_mismatch, "the file is not of the media type that was declared");
    if (std::find(admission.accepted.begin(), admission.accepted.end(), format) == admission.accepted.end())
        return reject(RejectionCode::unsupported_format, "the profile does not take pictures of this format");
    return format;
}

}  // namespace photogate::imaging
