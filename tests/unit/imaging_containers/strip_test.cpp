#include "imaging/containers/strip.hpp"

#include <gmock/gmock.h>

#include "imaging/containers/metadata_verifier.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::contains;
using testing::inspected;
using testing::picture;

Bytes stripped(std::string_view name) {
    const Bytes file = picture(name);
    const auto out = strip(file, inspected(file));
    EXPECT_TRUE(out.has_value()) << name;
    return out ? *out : Bytes{};
}

TEST(Strip, leaves_nothing_private_in_any_format) {
    for (const std::string& name : testing::camera_pictures()) {
        if (name == "camera.tif") continue;
        ASSERT_TRUE(contains(picture(name), "CANARY")) << name;
        const Bytes out = stripped(name);
        EXPECT_FALSE(contains(out, "CANARY")) << name;
        EXPECT_FALSE(contains(out, "<script")) << name;
        EXPECT_EQ(metadata_remaining(out), std::vector<std::string>{}) << name;
    }
}

TEST(Strip, keeps_structure_for_the_walker) {
    for (const std::string& name : testing::all_pictures()) {
        const Bytes file = picture(name);
        const auto before = inspect(file, Limits{});
        if (!before || before->format == Format::tiff) continue;
        const auto out = strip(file, *before);
        ASSERT_TRUE(out.has_value()) << name;
        const Inspection after = inspected(*out);
        EXPECT_EQ(after.width, before->width) << name;
        EXPECT_EQ(after.height, before->height) << name;
        EXPECT_EQ(after.frames, before->frames) << name;
        EXPECT_EQ(after.colour, before->colour) << name;
        EXPECT_EQ(after.has_alpha, before->has_alpha) << name;
        EXPECT_FALSE(after.has_trailer()) << name;
        if (before->format == Format::jpeg) {
            EXPECT_EQ(after.orientation, before->orientation) << name;
        }
    }
}

TEST(Strip, changes_nothing_the_second_time) {
    for (const std::string& name : testing::camera_pictures()) {
        if (name == "camera.tif") continue;
        const Bytes once = stripped(name);
        const auto twice = strip(once, inspected(once));
        ASSERT_TRUE(twice.has_value()) << name;
        EXPECT_EQ(*twice, once) << name;
    }
}

TEST(Strip, keeps_every_byte_of_clean_picture) {
    for (const char* name :
         {"plain.jpg", "plain.png", "plain.webp", "plain.gif", "animated.png", "baseline.jpg"})
        EXPECT_EQ(stripped(name), picture(name)) << name;
}

TEST(Strip, keeps_entropy_coded_bytes) {
    const Bytes plain = picture("plain.jpg");
    const std::string_view scan = as_text(plain).substr(as_text(plain).find("\xFF\xDA"));
    EXPECT_TRUE(as_text(stripped("camera.jpg")).ends_with(scan));
}

TEST(Strip, removes_fill_bytes_inside_scan) {
    const auto with_scan = [](std::string_view coded) {
        auto file = testing::bytes_of(
            "\xFF\xD8\xFF\xC0\x00\x0B\x08\x00\x08\x00\x08\x01\x01\x11\x00"
            "\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00"sv);
        file.insert(file.end(), coded.begin(), coded.end());
        return file;
    };
    const auto file = with_scan("\x11\xFF\xFF\xFF\x00\x22\xFF\xFF\xD0\x33\xFF\x00\xFF\xFF\xD9"sv);
    const auto out = strip(file, inspected(file));
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(*out, with_scan("\x11\xFF\x00\x22\xFF\xD0\x33\xFF\x00\xFF\xD9"sv));
    EXPECT_EQ(metadata_remaining(*out), std::vector<std::string>{});
}

TEST(Strip, removes_compressed_text_and_exif_before_decoding) {
    for (const std::string& name : testing::camera_pictures()) {
        if (name == "camera.tif") continue;
        const Bytes file = picture(name);
        // As the worker process asks for it: the turning is its own.
        Inspection inspection = inspected(file);
        inspection.orientation = 1;
        inspection.turned_sideways = false;
        const auto bare = strip(file, inspection);
        ASSERT_TRUE(bare.has_value()) << name;
        for (const std::string_view word : {"MM\0*"sv, "II*\0"sv, "adobe:ns:meta"sv, "zTXt"sv, "iTXt"sv})
            EXPECT_FALSE(contains(*bare, word)) << name << ", " << word;
        // HEIF keeps the name of an item whose bytes are zeros.
        if (!name.ends_with(".avif") && !name.ends_with(".heic")) {
            EXPECT_FALSE(contains(*bare, "Exif")) << name;
        }
    }
}

TEST(Strip, keeps_36_bytes_of_exif_for_rotated_jpeg) {
    const Bytes out = stripped("orientation-6.jpg");
    const std::string_view expected =
        "\xFF\xD8\xFF\xE1\0\x22"
        "Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0\xFF\xDB"sv;
    EXPECT_TRUE(as_text(out).starts_with(expected));
    EXPECT_EQ(metadata_remaining(out), std::vector<std::string>{});
    EXPECT_FALSE(contains(stripped("orientation-1.jpg"), "Exif"));
    EXPECT_FALSE(contains(stripped("orientation-9.jpg"), "Exif"));
}

TEST(Strip, drops_orientation_from_encoder_output) {
    const auto out = clean_container(picture("orientation-6.jpg"), Format::jpeg);
    ASSERT_TRUE(out.has_value());
    EXPECT_FALSE(contains(*out, "Exif"));
}

TEST(Strip, keeps_profile_only_when_valid_and_matching) {
    EXPECT_TRUE(inspected(stripped("camera.jpg")).has_icc);
    EXPECT_TRUE(inspected(stripped("camera.png")).has_icc);
    EXPECT_TRUE(inspected(stripped("camera.webp")).has_icc);
    EXPECT_TRUE(inspected(stripped("cmyk.jpg")).has_icc);
    EXPECT_FALSE(inspected(stripped("camera-wrong-icc.jpg")).has_icc);
    EXPECT_FALSE(inspected(stripped("icc-incomplete.jpg")).has_icc);
}

TEST(Strip, corrects_webp_flags_and_sizes) {
    const Bytes out = stripped("camera.webp");
    ASSERT_TRUE(as_text(out).substr(12, 4) == "VP8X");
    EXPECT_EQ(out[20], 0x20) << "a profile, and neither EXIF nor XMP";
    EXPECT_EQ(out[4] + (out[5] << 8) + 8U, out.size());
}

TEST(Strip, keeps_gif_loop_and_timing) {
    const Bytes out = stripped("camera.gif");
    EXPECT_TRUE(contains(out, "NETSCAPE2.0"));
    std::size_t controls = 0;
    for (std::size_t at = as_text(out).find("\x21\xF9\x04"); at != std::string_view::npos;
         at = as_text(out).find("\x21\xF9\x04", at + 1))
        ++controls;
    EXPECT_EQ(controls, 2U) << "one a frame; the one of the plain text went with it";
}

TEST(Strip, cleans_heif_in_place) {
    const Bytes before = picture("camera.heic");
    const Bytes after = stripped("camera.heic");
    EXPECT_EQ(after.size(), before.size());
    const std::size_t pixels = as_text(before).find("mdat") + 4;
    EXPECT_TRUE(std::equal(before.begin() + static_cast<std::ptrdiff_t>(pixels),
                           before.begin() + static_cast<std::ptrdiff_t>(pixels + 199),
                           after.begin() + static_cast<std::ptrdiff_t>(pixels)));
}

TEST(Strip, rejects_heif_pixels_outside_the_data_box) {
    const Bytes file = testing::replaced(picture("camera.avif"), "mdat", "free");
    const auto out = strip(file, inspected(file));
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().code, RejectionCode::corrupt);
}

TEST(Strip, zeroes_heif_bytes_of_unlisted_items) {
    // The Exif item is listed no more, its bytes are still there.
    Bytes file = testing::replaced(picture("camera.avif"), "infe\2\0\0\0\0\2"sv, "fnfe\2\0\0\0\0\2"sv);
    ASSERT_THAT(metadata_remaining(file), ::testing::Contains("hidden_bytes"));
    const auto out = strip(file, inspected(file));
    ASSERT_TRUE(out.has_value());
    EXPECT_FALSE(contains(*out, "CANARY"));
}

TEST(Strip, reports_whether_format_can_be_stripped) {
    EXPECT_TRUE(can_strip(inspected(picture("camera.jpg"))));
    EXPECT_TRUE(can_strip(inspected(picture("plain.png"))));
    EXPECT_FALSE(can_strip(inspected(picture("camera.png")))) << "its orientation would be lost";
    EXPECT_FALSE(can_strip(inspected(picture("thumbnail.heic"))));
    const Bytes tiff = picture("camera.tif");
    EXPECT_FALSE(can_strip(inspected(tiff)));
    const auto refused = strip(tiff, inspected(tiff));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, RejectionCode::unsupported_format);
}

TEST(Strip, rejects_non_pictures) {
    for (const Format format : kAllFormats)
        EXPECT_FALSE(clean_container(as_bytes("nonsense"), format).has_value());
}

TEST(Strip, never_leaves_more_than_the_allow_list_on_damage) {
    for (const std::string name : {"camera.jpg", "camera.png", "camera.webp", "camera.gif", "camera.avif"}) {
        Bytes file = picture(name);
        for (std::size_t at = 0; at < file.size(); at += 5) {
            const std::uint8_t kept = std::exchange(file[at], std::uint8_t{0x21});
            if (const auto found = inspect(file, Limits{})) {
                if (const auto out = strip(file, *found)) {
                    // A table that was damaged is for the decoder to refuse; the reader calls it unreadable.
                    for (const std::string& left : metadata_remaining(*out))
                        ASSERT_TRUE(left == "unreadable" || left.starts_with("property:") ||
                                    left.starts_with("box:") || left == "auxiliary_picture" ||
                                    left == "thumbnail" || left == "icc")
                            << name << " at " << at << ": " << left;
                }
            }
            file[at] = kept;
        }
    }
}

}  // namespace
}  // namespace photogate::imaging
