#include "imaging/containers/inspect.hpp"

#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::inspected;
using testing::picture;
using testing::refusal;
using testing::replaced;

TEST(Inspect, reports_header_values) {
    for (const std::string& name : testing::camera_pictures()) {
        const Inspection found = inspected(picture(name));
        EXPECT_EQ(found.width, 48U) << name;
        EXPECT_EQ(found.height, 32U) << name;
        EXPECT_EQ(found.bits_per_channel, 8U) << name;
    }
    EXPECT_EQ(inspected(picture("grey.jpg")).colour, ColourModel::grey);
    EXPECT_EQ(inspected(picture("cmyk.jpg")).colour, ColourModel::cmyk);
    EXPECT_EQ(inspected(picture("cmyk.jpg")).channels, 4U);
    EXPECT_TRUE(inspected(picture("camera.jpg")).has_icc);
    EXPECT_TRUE(inspected(picture("camera.jpg")).has_mpf);
    EXPECT_TRUE(inspected(picture("camera.jpg")).has_gain_map);
    EXPECT_TRUE(inspected(picture("camera.jpg")).has_content_credentials);
    EXPECT_TRUE(inspected(picture("camera.png")).has_content_credentials);
    EXPECT_FALSE(inspected(picture("plain.jpg")).has_trailer());
    EXPECT_FALSE(inspected(picture("camera.avif")).has_hidden_pictures);
    EXPECT_TRUE(inspected(picture("thumbnail.heic")).has_hidden_pictures);
}

TEST(Inspect, finds_trailer_behind_the_picture) {
    for (const std::string name : {"camera.jpg", "camera.png", "camera.webp", "camera.gif"}) {
        const Bytes file = picture(name);
        const Inspection found = inspected(file);
        EXPECT_TRUE(found.has_trailer()) << name;
        EXPECT_TRUE(testing::contains(slice(file, found.trailer), "CANARY")) << name;
        EXPECT_EQ(found.trailer.offset + found.trailer.size, file.size()) << name;
    }
}

TEST(Inspect, counts_frames) {
    EXPECT_EQ(inspected(picture("animated.png")).frames, 3U);
    EXPECT_EQ(inspected(picture("animated.webp")).frames, 3U);
    EXPECT_EQ(inspected(picture("camera.gif")).frames, 2U);
    EXPECT_EQ(inspected(picture("animated.webp")).total_pixels, 3U * 48 * 32);
    EXPECT_TRUE(inspected(picture("animated.webp")).animated);
    EXPECT_FALSE(inspected(picture("plain.gif")).animated);
    for (const char* name : {"frames-301.png", "frames-301.webp", "frames-301.gif"})
        EXPECT_EQ(refusal(picture(name)), RejectionCode::too_many_frames) << name;
    Limits few;
    few.max_total_pixels = 2 * 48 * 32;
    for (const char* name : {"animated.png", "animated.webp"})
        EXPECT_EQ(refusal(picture(name), few), RejectionCode::too_many_pixels) << name;
}

TEST(Inspect, reads_orientation_in_both_byte_orders_when_well_formed) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
        const Inspection found = inspected(picture("orientation-" + std::to_string(orientation) + ".jpg"));
        EXPECT_EQ(found.orientation, orientation);
        EXPECT_EQ(found.turned_sideways, orientation >= 5);
        EXPECT_EQ(found.upright_width(), orientation >= 5 ? 32U : 48U);
    }
    for (const char* name :
         {"orientation-0.jpg", "orientation-9.jpg", "orientation-65535.jpg", "orientation-text.jpg"})
        EXPECT_EQ(inspected(picture(name)).orientation, 1) << name;
    EXPECT_EQ(inspected(picture("orientation-twice.jpg")).orientation, 3)
        << "the first Exif block that names one counts";
    EXPECT_EQ(inspected(picture("camera.png")).orientation, 6);
    EXPECT_EQ(inspected(picture("camera.webp")).orientation, 6);
    EXPECT_EQ(inspected(picture("camera.tif")).orientation, 6);
    EXPECT_EQ(inspected(picture("camera-big-endian.tif")).orientation, 6);
}

TEST(Inspect, takes_heif_orientation_from_property_instead_of_exif) {
    const Inspection found = inspected(picture("camera.heic"));
    EXPECT_EQ(found.orientation, 1);
    EXPECT_TRUE(found.turned_sideways);
}

TEST(Inspect, rejects_oversized_picture_before_decoding) {
    for (const char* name : {"huge.jpg", "huge.png", "huge.avif"})
        EXPECT_EQ(refusal(picture(name)), RejectionCode::too_many_pixels) << name;
    Limits limits;
    limits.max_pixels = 48 * 32 - 1;
    for (const std::string& name : testing::camera_pictures())
        EXPECT_EQ(refusal(picture(name), limits), RejectionCode::too_many_pixels) << name;
    limits = {};
    limits.max_side = 47;
    for (const std::string& name : testing::camera_pictures())
        EXPECT_EQ(refusal(picture(name), limits), RejectionCode::too_many_pixels) << name;
}

TEST(Inspect, bounds_memory_of_what_is_decoded_as_a_whole) {
    Limits limits;
    limits.max_memory = 48 * 32 * 2;
    EXPECT_EQ(refusal(picture("camera.heic"), limits), RejectionCode::too_many_pixels);
    // Read row by row.
    for (const char* name : {"camera.jpg", "camera.png"})
        EXPECT_TRUE(inspect(picture(name), limits)) << name;
}

TEST(Inspect, bounds_scans) {
    EXPECT_EQ(refusal(picture("scans-101.jpg")), RejectionCode::too_many_scans);
}

TEST(Inspect, walks_past_any_amount_of_metadata_that_is_not_read) {
    for (const char* name :
         {"comments-1201.jpg", "metadata-5mb.jpg", "extended-xmp-5mb.jpg", "text-bomb.png",
          "profile-bomb.png", "itext-bomb.png", "texts-1201.png", "chunks-1201.webp", "comments-1201.gif"}) {
        const Bytes file = picture(name);
        WorkBudget budget = WorkBudget::for_file(file.size());
        const auto found = inspect(file, Limits{}, budget);
        ASSERT_TRUE(found) << name;
        EXPECT_LE(found->carriers.size(), kMaxCarriers * kCarrierKinds) << name;
        const Metadata facts = read_metadata(file, *found, budget);
        EXPECT_LT(budget.spent(), budget.limit() / 2) << name;
        EXPECT_EQ(found->orientation, facts.orientation.value_or(1))
            << name << ": what is read is read all the same";
        const auto clean = strip(file, *found, budget);
        ASSERT_TRUE(clean) << name;
        EXPECT_LT(clean->size(), 20'000U) << name;
        EXPECT_TRUE(metadata_remaining(*clean).empty()) << name;
    }
    EXPECT_EQ(inspected(picture("comments-1201.jpg")).orientation, 6) << "behind all of them";
}

TEST(Inspect, holds_metadata_to_a_limit_that_is_set) {
    Limits limits;
    limits.max_metadata = 4U << 20;
    EXPECT_EQ(refusal(picture("metadata-5mb.jpg"), limits), RejectionCode::metadata_too_large);
    EXPECT_TRUE(inspect(picture("comments-1201.jpg"), limits));
    limits.max_metadata_blocks = 1'000;
    for (const char* name : {"comments-1201.jpg", "texts-1201.png", "chunks-1201.webp", "comments-1201.gif"})
        EXPECT_EQ(refusal(picture(name), limits), RejectionCode::metadata_too_large) << name;
}

TEST(Inspect, rejects_file_over_byte_limit_as_too_large) {
    Limits limits;
    limits.max_bytes = 100;
    EXPECT_EQ(refusal(picture("plain.jpg"), limits), RejectionCode::too_large);
    EXPECT_EQ(refusal({}), RejectionCode::empty);
}

TEST(Inspect, rejects_inconsistent_structure_as_corrupt) {
    for (const char* name : {"no-palette.png", "frame-outside.gif", "nested.avif"})
        EXPECT_EQ(refusal(picture(name)), RejectionCode::corrupt) << name;
    const Bytes jpeg = picture("plain.jpg");
    EXPECT_EQ(refusal(replaced(jpeg, "\xFF\xC0\0\x11\x08"sv, "\xFF\xC0\0\x11\x0C"sv)),
              RejectionCode::unsupported_format);
    EXPECT_EQ(refusal(replaced(jpeg, "\xFF\xC0\0\x11"sv, "\xFF\xC3\0\x11"sv)),
              RejectionCode::unsupported_format);
    EXPECT_EQ(refusal(replaced(jpeg, "\1\x11\0\2"sv, "\1\xFF\0\2"sv)), RejectionCode::corrupt)
        << "sampling factors";
    EXPECT_EQ(refusal(replaced(jpeg, "\x08\0\x20\0\x30"sv, "\x08\0\0\0\x30"sv)), RejectionCode::corrupt)
        << "height 0";
    EXPECT_EQ(refusal(replaced(jpeg, "\xFF\xE0\0\x10"sv, "\xFF\xE0\0\1"sv)), RejectionCode::corrupt)
        << "segment length";
}

TEST(Inspect, requires_correct_checksum_of_critical_chunks) {
    Bytes png = picture("plain.png");
    png[29] ^= 1U;  // the header's
    EXPECT_EQ(refusal(png), RejectionCode::corrupt);
}

TEST(Inspect, terminates_on_looping_tiff_directories) {
    Bytes tiff = picture("camera.tif");
    const std::size_t next = 8 + 2 + 12 * 13;
    tiff[next] = 8;
    EXPECT_EQ(refusal(tiff), RejectionCode::corrupt);
}

/// How many of the file's bytes hold all its pixels: what marks the end may be missing.
std::size_t pixels_end(const std::string& name, BytesView file) {
    const std::string_view text = as_text(file);
    if (name.ends_with(".jpg")) return static_cast<std::size_t>(inspected(file).trailer.offset) - 2;
    if (name.ends_with(".gif")) return static_cast<std::size_t>(inspected(file).trailer.offset) - 1;
    if (!name.ends_with(".png")) return file.size();
    const std::size_t last = std::min(text.rfind("IDAT"), text.size());
    const std::size_t frame = text.rfind("fdAT");
    const std::size_t data = frame == std::string_view::npos ? last : frame;
    return data + 8 + (std::size_t{file[data - 2]} << 8) + file[data - 1];
}

TEST(Inspect, rejects_picture_truncated_anywhere) {
    for (const std::string name : {"plain.jpg", "camera.jpg", "plain.png", "camera.png", "animated.png",
                                   "plain.webp", "animated.webp", "plain.gif", "camera.tif"}) {
        Bytes file = picture(name);
        // Something behind the end, so that there is a trailer everywhere.
        if (name.ends_with(".jpg") || name.ends_with(".gif")) file.push_back('x');
        const std::size_t whole = pixels_end(name, file);
        for (std::size_t size = 0; size < whole; ++size)
            ASSERT_FALSE(inspect(BytesView(file).first(size), Limits{}).has_value())
                << name << " cut to " << size;
    }
}

TEST(Inspect, rejects_heif_truncated_within_pixels) {
    const Bytes file = picture("camera.avif");
    const std::size_t pixels_end = as_text(file).find("<?xpacket end");
    for (std::size_t size = 0; size < pixels_end; ++size)
        ASSERT_FALSE(inspect(BytesView(file).first(size), Limits{}).has_value()) << size;
}

TEST(Inspect, survives_any_damaged_byte) {
    for (const std::string& name : testing::camera_pictures()) {
        Bytes file = picture(name);
        for (std::size_t at = 0; at < file.size(); ++at) {
            for (const std::uint8_t value : {0x00, 0x7F, 0xFF}) {
                const std::uint8_t kept = std::exchange(file[at], value);
                const auto found = inspect(file, Limits{});
                if (found) {
                    for (const Carrier& carrier : found->carriers)
                        ASSERT_TRUE(fits(carrier.range, file.size())) << name << at;
                }
                file[at] = kept;
            }
        }
    }
}

}  // namespace
}  // namespace photogate::imaging
