// [apps.NAME.profiles.NAME.watermark]: what it becomes, and what is said of every mistake in it.
#include "gateway/config/watermarks.hpp"

#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace photogate::gateway::config {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): this file's own samples
using ::testing::HasSubstr;

/// The sample with a watermark of these lines, beside the files that they name.
class Watermarks : public ::testing::Test {
  protected:
    Watermarks() {
        write("mark.png", "\x89PNG\r\n\x1a\n and more");
        write("font.ttf", std::string("\0\1\0\0", 4) + " and more");
        write("text.txt", "no picture and no font");
        write("empty.png", "");
        write("large.png", "\x89PNG\r\n\x1a\n" + std::string(5U << 20, 'x'));
    }
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder.path() / name, std::ios::binary) << bytes;
    }
    Loading load_with(const std::string& lines, const std::string& profile = "") const {
        auto text = kValid;
        const std::string table = "[apps.shop.profiles.doorstep]\n";
        text.insert(text.find(table) + table.size(),
                    profile + "[apps.shop.profiles.doorstep.watermark]\n" + lines);
        return load({{}, {}, folder.write("photogate.toml", text), "/opt/photogate/bin/photogate"});
    }
    std::string said_of(const std::string& lines, const std::string& profile = "") const {
        return mistakes_of(load_with(lines, profile));
    }
    static const model::Profile& profile_of(const Loading& loaded) {
        return loaded->config.apps.at(AppName::trusted("shop")).profiles.at(ProfileName::trusted("doorstep"));
    }
    Folder folder;
};

const std::string kImage = "image = \"mark.png\"\n";
const std::string kText = "text = \"© {app} {taken_at:%Y}\"\nfont = \"font.ttf\"\n";

TEST_F(Watermarks, of_an_image_are_in_the_published_picture_and_every_version) {
    const auto loaded = load_with(kImage +
                                  "gravity = \"northwest\"\noffset = [3, 4]\nsize = 30\nopacity = 50\n"
                                  "tiled = true\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profile = profile_of(loaded);
    const auto& mark = profile.watermark->mark;
    ASSERT_TRUE(mark.picture);
    EXPECT_EQ(mark.picture->size(), 17U);
    EXPECT_EQ(mark.gravity, imaging::Gravity::north_west);
    EXPECT_EQ(mark.offset_x, 3U);
    EXPECT_EQ(mark.offset_y, 4U);
    EXPECT_EQ(mark.size, 30U);
    EXPECT_EQ(mark.opacity, 50U);
    EXPECT_EQ(mark.tiling, imaging::Tiling::tiled);
    EXPECT_EQ(imaging::complaint_about({.watermark = mark}), std::nullopt);
    EXPECT_EQ(profile.recipe.version.watermark, mark);
    EXPECT_EQ(profile.delivery.watermark, mark);
    EXPECT_TRUE(loaded->config.imaging.fonts.empty());
}

TEST_F(Watermarks, leave_a_published_picture_clean_that_is_kept_so) {
    const auto loaded = load_with(kImage + "published = \"clean\"\noffset = [7]\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profile = profile_of(loaded);
    EXPECT_EQ(profile.recipe.version.watermark, std::nullopt);
    ASSERT_TRUE(profile.delivery.watermark);
    EXPECT_EQ(profile.delivery.watermark->offset_x, 7U);
    EXPECT_EQ(profile.delivery.watermark->offset_y, 7U);
}

TEST_F(Watermarks, of_a_text_have_their_names_filled_in_and_their_font_loaded) {
    const auto loaded = load_with(kText);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& mark = profile_of(loaded).watermark->mark;
    EXPECT_EQ(mark.text, "© shop {taken_at:%Y}");
    EXPECT_EQ(imaging::complaint_about({.watermark = mark}), std::nullopt);
    EXPECT_EQ(loaded->config.imaging.fonts, std::vector<std::string>{(folder.path() / "font.ttf").string()});
}

TEST_F(Watermarks, are_known_by_their_bytes) {
    const auto known = [&](const std::string& lines) {
        const auto loaded = load_with(lines);
        return loaded ? profile_of(loaded).watermark->mark.sha256 : mistakes_of(loaded);
    };
    const auto image = known(kImage), text = known(kText);
    EXPECT_EQ(image.size(), 64U);
    EXPECT_EQ(known(kImage), image);
    EXPECT_NE(known("text = \"© other\"\nfont = \"font.ttf\"\n"), text);
    write("mark.png", "\x89PNG\r\n\x1a\n and other");
    write("font.ttf", std::string("\0\1\0\0", 4) + " and other");
    EXPECT_NE(known(kImage), image);
    EXPECT_NE(known(kText), text);
}

TEST_F(Watermarks, that_are_wrong_are_reported_with_what_to_do) {
    struct Case {
        std::string lines;
        std::string said;
    };
    const Case cases[] = {
        {"size = 20\n", "watermark needs an image or a text, one of them"},
        {kImage + kText, "watermark needs an image or a text, one of them"},
        {kImage + "font = \"font.ttf\"\n", "watermark.font has no effect on an image"},
        {"image = \"nowhere.png\"\n",
         "can't be read: No such file or directory: name a PNG, WebP or JPEG file"},
        {"image = \"empty.png\"\n", "which is empty: name a PNG"},
        {"image = \"large.png\"\n", "bytes; at most 4194304 are taken: name a PNG"},
        {"image = \".\"\n", "which is no file: name a PNG"},
        {"image = \"text.txt\"\n", "which is no PNG, WebP or JPEG file"},
        {"text = \"© me\"\n", "watermark.font is required with a text: name a TrueType or OpenType file"},
        {"text = \"© me\"\nfont = \"nowhere.ttf\"\n", "No such file or directory: name a TrueType"},
        {"text = \"© me\"\nfont = \"text.txt\"\n", "which is no font: name a TrueType"},
        {"text = \"\"\nfont = \"font.ttf\"\n", "watermark.text is empty"},
        {"text = \"{upload}\"\nfont = \"font.ttf\"\n", "watermark.text has the unknown placeholder {upload}"},
        {"text = \"{taken_at:%Y}\"\nfont = \"font.ttf\"\n", "is nothing but {taken_at}"},
        {kImage + "gravity = \"attention\"\n", "must be one of centre, north"},
        {kImage + "offset = [51]\n", "an offset is 0 to 50 percent"},
        {kImage + "offset = [1, 2, 3]\n", "must be one number, or two: across and down"},
        {kImage + "size = 0\n", "watermark.size is 0, but must be 1 to 100"},
        {kImage + "opacity = 101\n", "watermark.opacity is 101, but must be 1 to 100"},
        {kImage + "tiled = 7\n", "watermark.tiled"},
        {kImage + "published = \"never\"\n", "must be one of marked, clean"},
        {kImage + "colour = \"red\"\n", "unknown key 'apps.shop.profiles.doorstep.watermark.colour'"},
    };
    for (const auto& each : cases) {
        const auto said = said_of(each.lines);
        EXPECT_THAT(said, HasSubstr(each.said)) << each.lines;
        EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    }
    EXPECT_THAT(said_of(kText, "exif = \"none\"\n"),
                HasSubstr("which exif = \"none\" hides: set exif to basic"));
}

TEST_F(Watermarks, with_a_name_are_for_packages_alone) {
    const std::string table = "[apps.shop.profiles.doorstep.watermarks.";
    const auto load_named = [&](const std::string& text) {
        return load({{}, {}, folder.write("photogate.toml", kValid + text), "/opt/photogate/bin/photogate"});
    };
    const auto loaded =
        load_named(table + "proof]\n" + kText + "tiled = true\n" + table + "logo]\n" + kImage);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profile = profile_of(loaded);
    EXPECT_FALSE(profile.watermark || profile.delivery.watermark || profile.recipe.version.watermark);
    ASSERT_EQ(profile.delivery.watermarks.size(), 2U);
    EXPECT_TRUE(profile.delivery.watermarks.at("logo").picture);
    EXPECT_EQ(profile.delivery.watermarks.at("proof"), profile.watermarks.at("proof").mark);
    EXPECT_EQ(profile.delivery.watermarks.at("proof").tiling, imaging::Tiling::tiled);
    EXPECT_EQ(loaded->config.imaging.fonts.size(), 1U);
    EXPECT_THAT(mistakes_of(load_named(table + "proof]\nsize = 20\n")),
                HasSubstr("watermarks.proof needs an image or a text"));
    EXPECT_THAT(mistakes_of(load_named(table + "proof]\n" + kImage + "published = \"clean\"\n")),
                HasSubstr("unknown key"));
    std::string many;
    for (int number = 0; number < 9; ++number)
        many += table + "w" + std::to_string(number) + "]\n" + kImage;
    EXPECT_THAT(mistakes_of(load_named(many)), HasSubstr("watermarks are 9, but 8 are the most"));
}

TEST_F(Watermarks, warn_of_a_strip_that_they_undo) {
    EXPECT_THAT(warnings_of(load_with(kImage, "publish = \"strip\"\n")), HasSubstr("has no effect"));
    EXPECT_EQ(
        warnings_of(load_with(kImage + "published = \"clean\"\n", "publish = \"strip\"\n")).find("strip"),
        std::string::npos);
}

TEST_F(Watermarks, are_not_needed_for_a_size_that_is_held_to) {
    const auto loaded = load_text(kValid + "[apps.shop.profiles.small]\nmax_published_size = \"100KiB\"\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profile =
        loaded->config.apps.at(AppName::trusted("shop")).profiles.at(ProfileName::trusted("small"));
    EXPECT_EQ(profile.recipe.version.max_bytes, 102'400U);
    EXPECT_EQ(profile.delivery.max_bytes, 102'400U);
    EXPECT_THAT(mistakes_of(load_text(kValid + "[apps.shop.profiles.small]\nmax_published_size = 100\n")),
                HasSubstr("max_published_size is less than 1KiB"));
}

TEST_F(Watermarks, are_not_needed_for_a_gamut_and_sharpening_that_all_versions_share) {
    const auto loaded =
        load_text(kValid + "[apps.shop.profiles.wide]\ngamut = \"kept\"\nsharpening = \"mild\"\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profile =
        loaded->config.apps.at(AppName::trusted("shop")).profiles.at(ProfileName::trusted("wide"));
    EXPECT_EQ(profile.recipe.version.gamut, imaging::Gamut::kept);
    EXPECT_EQ(profile.delivery.gamut, imaging::Gamut::kept);
    EXPECT_EQ(profile.recipe.version.sharpening, imaging::Sharpening::mild);
    EXPECT_EQ(profile.delivery.sharpening, imaging::Sharpening::mild);
    EXPECT_THAT(mistakes_of(load_text(kValid + "[apps.shop.profiles.wide]\ngamut = \"p3\"\n")),
                HasSubstr("gamut is 'p3', but must be one of srgb, kept"));
}

TEST_F(Watermarks, are_one_reason_that_gain_maps_can_only_be_flattened) {
    EXPECT_TRUE(load_text(kValid + "[apps.shop.profiles.hdr]\ngain_maps = \"flattened\"\n"));
    EXPECT_THAT(mistakes_of(load_text(kValid + "[apps.shop.profiles.hdr]\ngain_maps = \"kept\"\n")),
                HasSubstr("gain_maps is 'kept', but gain maps can only be flattened"));
}

}  // namespace
}  // namespace photogate::gateway::config
