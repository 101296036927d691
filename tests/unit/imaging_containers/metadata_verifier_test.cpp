#include "imaging/containers/metadata_verifier.hpp"

#include <gmock/gmock.h>

#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using testing::picture;

TEST(Residue, names_every_jpeg_carrier) {
    EXPECT_THAT(metadata_remaining(picture("camera.jpg")),
                IsSupersetOf({"exif",          "exif.gps",      "exif.thumbnail", "xmp",
                              "thermal",       "mpf",           "flashpix",       "gain_map",
                              "iptc",          "photoshop",     "jfif.thumbnail", "content_credentials",
                              "comment",       "trailer",       "segment:APP3",   "segment:APP4",
                              "segment:APP10", "segment:APP12", "segment:APP14",  "segment:APP15",
                              "marker:xmp"}));
}

TEST(Residue, names_every_carrier_of_other_formats) {
    EXPECT_THAT(metadata_remaining(picture("camera.png")),
                IsSupersetOf({"exif", "exif.gps", "text", "xmp", "iptc", "time", "content_credentials",
                              "chunk:prVt", "chunk:sPLT", "trailer"}));
    EXPECT_THAT(metadata_remaining(picture("camera.webp")),
                IsSupersetOf({"exif", "exif.gps", "xmp", "flag:exif", "flag:xmp", "chunk:CNRY", "trailer"}));
    EXPECT_THAT(metadata_remaining(picture("animated.webp")), IsSupersetOf({"chunk:PRIV"}))
        << "within frames too";
    EXPECT_THAT(metadata_remaining(picture("camera.gif")),
                IsSupersetOf({"comment", "xmp", "application:CANARYAPP01", "text", "trailer"}));
    EXPECT_THAT(metadata_remaining(picture("camera.avif")),
                IsSupersetOf({"exif", "xmp", "box:free", "box:uuid"}));
    EXPECT_THAT(metadata_remaining(picture("thumbnail.heic")), Contains("thumbnail"));
    EXPECT_THAT(metadata_remaining(picture("camera.tif")), IsSupersetOf({"xmp", "photoshop", "tag:271"}));
}

TEST(Residue, reports_nothing_for_clean_pictures) {
    for (const char* name :
         {"plain.jpg", "grey.jpg", "baseline.jpg", "plain.png", "animated.png", "plain.webp", "plain.gif"})
        EXPECT_THAT(metadata_remaining(picture(name)), IsEmpty()) << name;
}

TEST(Residue, allows_orientation_and_no_further_tag) {
    const Bytes file = picture("orientation-6.jpg");
    const auto clean = strip(file, testing::inspected(file));
    ASSERT_TRUE(clean.has_value());
    EXPECT_THAT(metadata_remaining(*clean), IsEmpty());
    EXPECT_THAT(metadata_remaining(testing::replaced(*clean, "\1\x12\0\3"sv, "\1\x0F\0\3"sv)),
                Contains("exif"));
    EXPECT_THAT(metadata_remaining(testing::replaced(*clean, "\0\6\0\0\0\0\0\0"sv, "\0\6GP\0\0\0\0"sv)),
                Contains("exif"));
    EXPECT_THAT(metadata_remaining(file), Contains("exif.gps"));
}

TEST(Residue, detects_bytes_hidden_behind_tables) {
    Bytes file = picture("plain.jpg");
    file = testing::replaced(file, "\xFF\xDB\0\x43"sv, "\xFF\xDB\0\x46"sv);
    const std::size_t frame = as_text(file).find("\xFF\xC0");
    const std::string_view hidden = "\x0FHI"sv;
    file.insert(file.begin() + static_cast<std::ptrdiff_t>(frame), hidden.begin(), hidden.end());
    EXPECT_THAT(metadata_remaining(file), Contains("unreadable"));
}

TEST(Residue, reports_non_pictures_as_unreadable) {
    for (const std::string_view text : {""sv, "x"sv, "\xFF\xD8"sv, "\x89PNG"sv, "RIFF"sv, "GIF89a"sv,
                                        "\0\0\0\x08"
                                        "ftyp"sv,
                                        "II*\0"sv})
        EXPECT_THAT(metadata_remaining(as_bytes(text)), Contains("unreadable")) << text;
}

TEST(Residue, finds_private_markers_anywhere) {
    Bytes file = picture("plain.png");
    EXPECT_THAT(private_markers(file), IsEmpty());
    // Hidden where no walker looks: the palette's stand-in here is the pixels' own chunk.
    const std::string_view hidden = "<x:xmpmeta";
    std::copy(hidden.begin(), hidden.end(), file.begin() + 60);
    EXPECT_THAT(metadata_remaining(file), Contains("marker:xmp"));
    EXPECT_THAT(private_markers(picture("camera.jpg")),
                IsSupersetOf({"marker:Exif", "marker:MPF", "marker:SEFT", "marker:jumb"}));
}

}  // namespace
}  // namespace photogate::imaging
