#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "imaging/format.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {
namespace {

TEST(Format, parses_its_names_and_media_types) {
    std::set<std::string_view> extensions;
    for (const Format format : kAllFormats) {
        EXPECT_EQ(parse_format(to_string(format)), format);
        EXPECT_EQ(read_media_type(media_type(format)).format, format);
        extensions.insert(file_extension(format));
    }
    EXPECT_EQ(extensions.size(), kAllFormats.size());
}

TEST(Format, accepts_media_types_as_clients_write_them) {
    using Says = DeclaredType::Says;
    const std::vector<std::pair<std::string_view, Format>> names = {
        {"image/jpg", Format::jpeg},           {"image/pjpeg", Format::jpeg},
        {"IMAGE/JPEG", Format::jpeg},          {"image/jpeg; charset=utf-8", Format::jpeg},
        {" image/jpeg ;q=1", Format::jpeg},    {"image/x-png", Format::png},
        {"image/apng", Format::png},           {"image/heif", Format::heic},
        {"image/heic-sequence", Format::heic}, {"image/heif-sequence", Format::heic},
        {"image/tif", Format::tiff},           {"image/avif", Format::avif}};
    for (const auto& [name, format] : names) {
        EXPECT_EQ(read_media_type(name).says, Says::format) << name;
        EXPECT_EQ(read_media_type(name).format, format) << name;
    }
    for (std::string_view nothing :
         {"", " ", ";", "application/octet-stream", "binary/octet-stream", "Application/Octet-Stream; x=y"})
        EXPECT_EQ(read_media_type(nothing).says, Says::nothing) << nothing;
    for (std::string_view other :
         {"image/svg+xml", "image/*", "*/*", "text/html", "image", "image/jpegx", "jpeg"})
        EXPECT_EQ(read_media_type(other).says, Says::other) << other;
    EXPECT_EQ(parse_format("JPEG"), std::nullopt);
}

TEST(Rejection, parses_its_codes) {
    for (int i = 0; i <= static_cast<int>(RejectionCode::decoder_crashed); ++i) {
        const auto code = static_cast<RejectionCode>(i);
        EXPECT_EQ(parse_rejection_code(to_string(code)), code);
    }
    EXPECT_EQ(parse_rejection_code("nonsense"), std::nullopt);
}

TEST(Format, is_recognised_only_by_its_first_bytes) {
    using namespace std::string_view_literals;
    const std::vector<std::pair<Format, std::string_view>> starts = {
        {Format::jpeg, "\xFF\xD8\xFF\xE0"sv},
        {Format::png, "\x89PNG\r\n\x1A\n\0\0\0\r"sv},
        {Format::webp, "RIFF\x04\0\0\0WEBPVP8 "sv},
        {Format::gif, "GIF89a"sv},
        {Format::avif,
         "\0\0\0\x1C"
         "ftypavif\0"sv},
        {Format::tiff, "II*\0"sv}};
    for (const auto& [format, start] : starts) {
        for (const auto& [other, bytes] : starts)
            EXPECT_EQ(begins_as(format, as_bytes(bytes)), format == other) << to_string(format);
        EXPECT_FALSE(begins_as(format, {}));
        EXPECT_FALSE(begins_as(format, as_bytes(start.substr(0, 2))));
        EXPECT_FALSE(begins_as(format, as_bytes("<!DOCTYPE html>")));
    }
    EXPECT_TRUE(begins_as(Format::heic, as_bytes("\0\0\0\x1C"
                                                 "ftypheic"sv)));
    EXPECT_FALSE(begins_as(Format::avif, as_bytes("\0\0\0\x1C"
                                                  "ftypheic"sv)));
}

}  // namespace
}  // namespace photogate::imaging
