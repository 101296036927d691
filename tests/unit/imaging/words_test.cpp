#include <set>

#include <gtest/gtest.h>

#include "imaging/format.hpp"
#include "imaging/picture.hpp"

namespace photogate::imaging {
namespace {

TEST(Format, Words_and_media_types_lead_back_to_their_format) {
    std::set<std::string_view> extensions;
    for (const Format format : kAllFormats) {
        EXPECT_EQ(parse_format(to_string(format)), format);
        EXPECT_EQ(format_of_media_type(media_type(format)), format);
        extensions.insert(file_extension(format));
    }
    EXPECT_EQ(extensions.size(), kAllFormats.size());
}

TEST(Format, Media_types_are_read_as_clients_write_them) {
    EXPECT_EQ(format_of_media_type("image/jpg"), Format::jpeg);
    EXPECT_EQ(format_of_media_type("IMAGE/HEIF"), Format::heic);
    EXPECT_EQ(format_of_media_type("image/svg+xml"), std::nullopt);
    EXPECT_EQ(format_of_media_type(""), std::nullopt);
    EXPECT_EQ(parse_format("JPEG"), std::nullopt);
}

TEST(Rejection, Words_lead_back_to_their_code) {
    for (int i = 0; i <= static_cast<int>(RejectionCode::decoder_crashed); ++i) {
        const auto code = static_cast<RejectionCode>(i);
        EXPECT_EQ(parse_rejection_code(to_string(code)), code);
    }
    EXPECT_EQ(parse_rejection_code("nonsense"), std::nullopt);
}

}  // namespace
}  // namespace photogate::imaging
