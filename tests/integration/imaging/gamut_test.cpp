// Colours beyond sRGB, kept as Display P3 or converted, through the real worker process. Colours are compared as a
// viewer sees them: CIEDE2000 of what libvips makes of each file by its own profile.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "support.hpp"

namespace photogate::imaging::testing {
namespace {

/// What encoding costs at quality 90. A conversion of these pictures to sRGB costs 1.8 more.
constexpr double kEncoded = 1.6;

/// Written as a camera's or an editor's profile: version 2, primaries adapted to D50, a plain gamma, and texts that
/// must not stay.
Bytes adobe_rgb() {
    Bytes out(128, 0);
    const auto u32 = [&](std::uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8)
            out.push_back(static_cast<std::uint8_t>(value >> shift));
    };
    const auto put = [&](std::size_t at, std::string_view text) {
        std::copy(text.begin(), text.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(8, std::string_view("\2\x10\0\0mntrRGB XYZ ", 16));
    put(24, std::string_view("\x07\xE0\0\1\0\1", 6));
    put(36, "acsp");
    put(48, "CANARYDEVICE");
    put(68, std::string_view("\0\0\xF6\xD6\0\1\0\0\0\0\xD3\x2D", 12));
    struct Xyz {
        const char* tag;
        std::array<double, 3> value;
    };
    constexpr std::array<Xyz, 4> kPoints = {{{"wtpt", {0.9642, 1, 0.8249}},
                                             {"rXYZ", {0.60974, 0.31111, 0.01947}},
                                             {"gXYZ", {0.20528, 0.62567, 0.06087}},
                                             {"bXYZ", {0.14919, 0.06322, 0.74457}}}};
    constexpr std::uint32_t kTags = 9, kData = 128 + 4 + 12 * kTags;
    u32(kTags);
    const auto entry = [&](std::string_view tag, std::uint32_t offset, std::uint32_t size) {
        out.insert(out.end(), tag.begin(), tag.end());
        u32(offset);
        u32(size);
    };
    for (std::uint32_t i = 0; i < kPoints.size(); ++i)
        entry(kPoints[i].tag, kData + 20 * i, 20);
    for (const char* curve : {"rTRC", "gTRC", "bTRC"})
        entry(curve, kData + 80, 14);
    entry("desc", kData + 96, 128);
    entry("cprt", kData + 224, 24);
    for (const Xyz& point : kPoints) {
        out.insert(out.end(), {'X', 'Y', 'Z', ' ', 0, 0, 0, 0});
        for (const double value : point.value)
            u32(static_cast<std::uint32_t>(std::lround(value * 65'536)));
    }
    out.insert(out.end(), {'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, 0x02, 0x33, 0, 0});
    Bytes description(128, 0);
    const std::string_view text(
        "desc\0\0\0\0\0\0\0\x12"
        "CANARYDESCRIPTION\0",
        30);
    std::copy(text.begin(), text.end(), description.begin());
    out.insert(out.end(), description.begin(), description.end());
    const std::string_view owner("text\0\0\0\0CANARYOWNER\0\0\0\0\0", 24);
    out.insert(out.end(), owner.begin(), owner.end());
    for (std::size_t i = 0; i < 4; ++i)
        out[i] = static_cast<std::uint8_t>(out.size() >> (24 - 8 * i));
    return out;
}

class Gamuts : public ::testing::Test {
  protected:
    /// A picture of the strongest colours, whose numbers are those of the profile: nothing is converted.
    Bytes tagged(const std::string& name, const std::string& profile) {
        vips("linear " + make_photo(folder, kWidth, kHeight) + " " + folder.file("strong.v") +
             " --uchar -- 6 -640");
        vips("copy " + folder.file("strong.v") + " '" + folder.file(name) + "[profile=" + profile + "]'");
        return read_file(folder.file(name));
    }
    Bytes display_p3(const std::string& name = "p3.jpg") { return tagged(name, "p3"); }

    static VersionSpec kept_as(Format format, std::uint32_t edge = kWidth) {
        VersionSpec spec;
        spec.max_edge = edge;
        spec.format = format;
        spec.quality = 90;
        spec.growth = Growth::accept;
        spec.gamut = Gamut::kept;
        return spec;
    }
    static Processed processed(BytesView file, const VersionSpec& version) {
        Order order;
        order.recipe.version = version;
        return process_image(file, order);
    }
    static Published published(BytesView file, const VersionSpec& version) {
        return processed(file, version).picture();
    }

    /// CIE Lab of a file by its profile; of one without, by the one that is named.
    std::string lab_of(const std::string& path, const std::string& otherwise) const {
        const std::string lab = path + ".lab.v";
        vips("icc_import '" + path + "' '" + lab +
             "' --embedded --intent relative --pcs lab --input-profile " + otherwise);
        return lab;
    }
    /// The mean CIEDE2000 between a file and what was published of it at the same size.
    double difference(const std::string& source, const Published& picture) const {
        const std::string made = folder.file("made." + std::string(file_extension(picture.format)));
        write_file(made, picture.bytes);
        // libvips makes no profile of AVIF's code points; that they are there is looked at elsewhere.
        const bool p3 = as_text(picture.bytes).find(kP3CodePoints) != std::string_view::npos;
        const std::string a = lab_of(folder.file(source), "srgb"), b = lab_of(made, p3 ? "p3" : "srgb");
        vips("dE00 '" + a + "' '" + b + "' " + folder.file("d.v"));
        return std::strtod(shell("vips avg " + folder.file("d.v")).c_str(), nullptr);
    }
    bool has_profile(const Published& picture) const {
        const std::string made = folder.file("look." + std::string(file_extension(picture.format)));
        write_file(made, picture.bytes);
        return shell("vipsheader -a '" + made + "'").find("icc-profile-data") != std::string::npos;
    }
    std::string tags_of(const Published& picture) const {
        const std::string made = folder.file("tags." + std::string(file_extension(picture.format)));
        write_file(made, picture.bytes);
        return shell("exiftool -a -u -G1 '" + made + "'");
    }

    static constexpr int kWidth = 480, kHeight = 320;
    static constexpr std::string_view kP3CodePoints{"colrnclx\0\x0C\0\x0D", 12};
    Folder folder;
};

TEST_F(Gamuts, of_display_p3_is_kept_in_every_format_that_can_say_so) {
    const Bytes photo = display_p3();
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
        SCOPED_TRACE(to_string(format));
        const Published picture = published(photo, kept_as(format));
        EXPECT_LE(difference("p3.jpg", picture), kEncoded);
        if (format == Format::avif)
            EXPECT_NE(as_text(picture.bytes).find(kP3CodePoints), std::string_view::npos);
        else
            EXPECT_TRUE(has_profile(picture));
    }
}

TEST_F(Gamuts, is_converted_by_default_which_costs_the_colours_beyond_srgb) {
    const Bytes photo = display_p3();
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
        SCOPED_TRACE(to_string(format));
        VersionSpec version = kept_as(format);
        const double kept = difference("p3.jpg", published(photo, version));
        version.gamut = Gamut::srgb;
        const Published picture = published(photo, version);
        EXPECT_FALSE(has_profile(picture));
        EXPECT_EQ(as_text(picture.bytes).find(kP3CodePoints), std::string_view::npos);
        EXPECT_GE(difference("p3.jpg", picture), kept + 1);
    }
}

TEST_F(Gamuts, of_adobe_rgb_becomes_display_p3_without_a_word_of_its_profile) {
    write_file(folder.file("adobe.icc"), adobe_rgb());
    const Bytes photo = tagged("adobe.jpg", folder.file("adobe.icc"));
    ASSERT_NE(as_text(photo).find("CANARYOWNER"), std::string_view::npos);
    for (const Format format : {Format::jpeg, Format::png, Format::webp}) {
        SCOPED_TRACE(to_string(format));
        VersionSpec version = kept_as(format);
        const Published picture = published(photo, version);
        EXPECT_EQ(as_text(picture.bytes).find("CANARY"), std::string_view::npos);
        EXPECT_EQ(tags_of(picture).find("CANARY"), std::string::npos);
        version.gamut = Gamut::srgb;
        EXPECT_LT(difference("adobe.jpg", picture), difference("adobe.jpg", published(photo, version)) - 0.3);
    }
}

TEST_F(Gamuts, that_is_kept_has_the_same_profile_in_every_picture_and_nothing_else) {
    write_file(folder.file("adobe.icc"), adobe_rgb());
    const auto profile_of = [&](const Published& picture) {
        write_file(folder.file("one.jpg"), picture.bytes);
        return shell("exiftool -b -ICC_Profile " + folder.file("one.jpg"));
    };
    const std::string one = profile_of(published(display_p3(), kept_as(Format::jpeg)));
    EXPECT_GE(one.size(), 300U);
    EXPECT_LE(one.size(), 1'024U);
    EXPECT_EQ(one, profile_of(
                       published(tagged("adobe.jpg", folder.file("adobe.icc")), kept_as(Format::jpeg, 200))));
    const std::string tags = tags_of(published(display_p3(), kept_as(Format::jpeg)));
    for (const char* group : {"[IFD0]", "[ExifIFD]", "[XMP", "[IPTC]", "[Photoshop]", "[MPF0]"})
        EXPECT_EQ(tags.find(group), std::string::npos) << tags;
}

TEST_F(Gamuts, of_png_and_heif_code_points_is_kept_too) {
    // What photogate wrote as AVIF says what it is by code points alone.
    const Published avif = published(display_p3(), kept_as(Format::avif));
    const Published again = published(avif.bytes, kept_as(Format::png));
    EXPECT_TRUE(has_profile(again));
    EXPECT_LE(difference("p3.jpg", again), kEncoded + 0.5);
    VersionSpec version = kept_as(Format::png);
    version.gamut = Gamut::srgb;
    EXPECT_FALSE(has_profile(published(avif.bytes, version)));
}

TEST_F(Gamuts, changes_no_byte_of_pictures_that_are_srgb) {
    const Bytes plain = [&] {
        vips("copy " + make_photo(folder, kWidth, kHeight) + " " + folder.file("plain.png"));
        return read_file(folder.file("plain.png"));
    }();
    const Bytes srgb = tagged("srgb.png", "srgb");
    for (const Bytes& photo : {plain, srgb}) {
        for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
            VersionSpec version = kept_as(format, 300);
            const Bytes kept = published(photo, version).bytes;
            version.gamut = Gamut::srgb;
            EXPECT_EQ(kept, published(photo, version).bytes) << to_string(format);
        }
    }
}

TEST_F(Gamuts, of_a_version_is_that_of_the_published_picture_to_the_last_bit) {
    const Published first = published(display_p3(), kept_as(Format::png));
    const Published again = published(first.bytes, kept_as(Format::png));
    EXPECT_EQ(pixels_of(first).bytes, pixels_of(again).bytes);
    EXPECT_TRUE(has_profile(again));
    // With alpha it goes another way.
    vips("bandjoin_const " + folder.file("strong.v") + " " + folder.file("alpha.v") + " 128");
    vips("copy " + folder.file("alpha.v") + " '" + folder.file("alpha.png") + "[profile=p3]'");
    const Published alpha = published(read_file(folder.file("alpha.png")), kept_as(Format::webp, 200));
    EXPECT_TRUE(has_profile(alpha));
    const Pixels pixels = pixels_of(alpha);
    ASSERT_EQ(pixels.bands, 4);
    EXPECT_EQ(pixels.bytes[3], 128);
}

TEST_F(Gamuts, is_srgb_where_the_format_has_no_word_for_another) {
    const Bytes photo = display_p3();
    Spooled spooled(photo);
    spooled.task.publish({}, {kept_as(Format::png), kept_as(Format::gif)});
    auto outcome = shared_pool().run(spooled.task);
    ASSERT_EQ(verdict(outcome), "published");
    const auto pictures = std::get<Processed>(std::move(*outcome)).pictures;
    EXPECT_TRUE(has_profile(pictures[0]));
    EXPECT_FALSE(has_profile(pictures[1]));
    VersionSpec converted = kept_as(Format::png);
    converted.gamut = Gamut::srgb;
    // A palette is coarse, but by far nearer to what was converted.
    const Pixels gif = pixels_of(pictures[1]);
    EXPECT_LT(mean_difference(gif, pixels_of(published(photo, converted))),
              mean_difference(gif, pixels_of(pictures[0])));
}

TEST_F(Gamuts, of_the_facts_and_of_a_watermark_is_right_whatever_is_kept) {
    const Bytes photo = display_p3("p3.png");
    VersionSpec version = kept_as(Format::png);
    const Processed kept = processed(photo, version);
    version.gamut = Gamut::srgb;
    const Processed converted = processed(photo, version);
    const auto channel = [](const Processed& of, std::size_t at) {
        return std::strtol(of.dominant_color.substr(at, 2).c_str(), nullptr, 16);
    };
    ASSERT_EQ(kept.dominant_color.size(), 7U);
    for (const std::size_t at : {1U, 3U, 5U})
        EXPECT_NEAR(channel(kept, at), channel(converted, at), 4)
            << kept.dominant_color << " " << converted.dominant_color;

    // Pure red of sRGB, which is (234, 51, 35) of Display P3.
    vips("black " + folder.file("b.v") + " 60 30 --bands 3");
    vips("linear " + folder.file("b.v") + " " + folder.file("red.png") + " '1 1 1' '255 0 0' --uchar");
    Watermark mark;
    mark.sha256 = std::string(64, 'a');
    mark.picture = std::make_shared<const Bytes>(read_file(folder.file("red.png")));
    mark.opacity = 100;
    mark.gravity = Gravity::centre;
    version.gamut = Gamut::kept;
    version.watermark = mark;
    const Pixels pixels = pixels_of(published(photo, version));
    const auto middle = static_cast<std::size_t>((kHeight / 2 * kWidth + kWidth / 2) * 3);
    EXPECT_NEAR(pixels.bytes[middle], 234, 2);
    EXPECT_NEAR(pixels.bytes[middle + 1], 51, 2);
    EXPECT_NEAR(pixels.bytes[middle + 2], 35, 2);
}

}  // namespace
}  // namespace photogate::imaging::testing
