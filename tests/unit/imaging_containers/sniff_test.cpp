#include "imaging/containers/sniff.hpp"

#include <array>

#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::bytes_of;
using testing::picture;

std::optional<Sniffed> sniffed(std::string_view text) {
    return sniff(as_bytes(text));
}

TEST(Sniff, recognises_each_accepted_format_by_its_bytes) {
    EXPECT_EQ(sniff(picture("plain.jpg")), Sniffed(Format::jpeg));
    EXPECT_EQ(sniff(picture("plain.png")), Sniffed(Format::png));
    EXPECT_EQ(sniff(picture("plain.webp")), Sniffed(Format::webp));
    EXPECT_EQ(sniff(picture("plain.gif")), Sniffed(Format::gif));
    EXPECT_EQ(sniff(picture("camera.tif")), Sniffed(Format::tiff));
    EXPECT_EQ(sniff(picture("camera-big-endian.tif")), Sniffed(Format::tiff));
    EXPECT_EQ(sniff(picture("camera.heic")), Sniffed(Format::heic));
    EXPECT_EQ(sniff(picture("camera.avif")), Sniffed(Format::avif));
}

TEST(Sniff, resolves_generic_heif_brand_by_compatible_brands) {
    EXPECT_EQ(sniffed("\0\0\0\x18"sv
                      "ftypmif1\0\0\0\0miafheic"sv),
              Sniffed(Format::heic));
    EXPECT_EQ(sniffed("\0\0\0\x18"sv
                      "ftypmif1\0\0\0\0miafavif"sv),
              Sniffed(Format::avif));
    EXPECT_EQ(sniffed("\0\0\0\x14"sv
                      "ftypmif1\0\0\0\0miafavif"sv),
              Sniffed(UnsupportedKind{"HEIF of an unknown coding"}))
        << "brands behind the box are none";
}

TEST(Sniff, distinguishes_known_unsupported_formats_from_non_pictures) {
    const auto refused = [](std::string_view text) {
        const auto found = sniffed(text);
        return found && std::holds_alternative<UnsupportedKind>(*found);
    };
    EXPECT_TRUE(refused("BM\x46\0\0\0"sv));
    EXPECT_TRUE(refused("%PDF-1.4"));
    EXPECT_TRUE(refused("%!PS-Adobe"));
    EXPECT_TRUE(refused("8BPS\0\1"sv));
    EXPECT_TRUE(refused("\0\0\1\0\1\0"sv));
    EXPECT_TRUE(refused("\0\0\0\x0CJXL \r\n"sv));
    EXPECT_TRUE(refused("II+\0\x08\0"sv));
    EXPECT_TRUE(refused("II*\0\x10\0\0\0CR"sv));
    EXPECT_TRUE(
        refused("\0\0\0\x1C"sv
                "ftypavis\0\0\0\0avifavis"sv));
    EXPECT_TRUE(
        refused("\0\0\0\x18"sv
                "ftypisom\0\0\0\0mp42"sv));
    EXPECT_TRUE(refused("<svg xmlns='http://www.w3.org/2000/svg'/>"));
    EXPECT_TRUE(refused("\xEF\xBB\xBF <?xml version='1.0'?><!-- x --><SVG/>"));
    EXPECT_TRUE(refused(std::string(900, ' ') + "<svg/>"));
    EXPECT_EQ(sniffed("<html><body><svg/></body></html>"), std::nullopt);
    EXPECT_EQ(sniffed("\xFF\xD8"), std::nullopt);
    EXPECT_EQ(sniffed(""), std::nullopt);
    EXPECT_EQ(sniffed("{\"a\":1}"), std::nullopt);
    EXPECT_EQ(sniffed("PK\3\4"), std::nullopt);
}

TEST(DeclaredType, ignores_missing_and_generic_types) {
    for (const std::string_view type : {"", "application/octet-stream", "binary/octet-stream"})
        EXPECT_FALSE(contradicts(type, Format::webp)) << type;
    for (const std::string_view type : {"image/jpg", "IMAGE/JPG"}) {
        EXPECT_FALSE(contradicts(type, Format::jpeg)) << type;
        EXPECT_TRUE(contradicts(type, Format::webp)) << type;
    }
}

TEST(DeclaredType, contradicts_another_format_and_ignores_parameters) {
    EXPECT_FALSE(contradicts("Image/JPEG; charset=binary", Format::jpeg));
    EXPECT_TRUE(contradicts("image/jpeg", Format::heic));
    EXPECT_TRUE(contradicts("text/html", Format::jpeg));
    EXPECT_TRUE(contradicts("image/heic", Format::avif));
    EXPECT_FALSE(contradicts("image/heif", Format::heic));
    EXPECT_FALSE(contradicts("image/heic", Format::heic));
}

TEST(Admission, reports_the_first_mistake) {
    static constexpr std::array kOnlyJpeg = {Format::jpeg};
    const auto code = [](BytesView file, std::optional<std::string_view> type) {
        const auto found = admit(file, {.declared_type = type, .accepted = kOnlyJpeg});
        return found ? std::nullopt : std::optional(found.error().code);
    };
    EXPECT_EQ(code({}, "image/jpeg"), RejectionCode::empty);
    EXPECT_EQ(code(as_bytes("hello"), "image/jpeg"), RejectionCode::not_an_image);
    EXPECT_EQ(code(as_bytes("%PDF-"), "image/jpeg"), RejectionCode::unsupported_format);
    EXPECT_EQ(code(picture("plain.png"), "image/jpeg"), RejectionCode::mime_mismatch);
    EXPECT_EQ(code(picture("plain.png"), "image/png"), RejectionCode::unsupported_format);
    EXPECT_EQ(code(picture("plain.jpg"), "image/jpeg"), std::nullopt);
    EXPECT_EQ(code(picture("plain.jpg"), std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace photogate::imaging
