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
        EXPECT_EQ(format_of_media_type(media_type(format)), format);
        extensions.insert(file_extension(format));
    }
    EXPECT_EQ(extensions.size(), kAllFormats.size());
}

TEST(Format, accepts_media_types_as_clients_write_them) {
    EXPECT_EQ(format_of_media_type("image/jpg"), Format::jpeg);
    EXPECT_EQ(format_of_media_type("IMAGE/HEIF"), Format::heic);
    EXPECT_EQ(format_of_media_type("image/svg+xml"), std::nullopt);
    EXPECT_EQ(format_of_media_type(""), std::nullopt);
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
