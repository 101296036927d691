// What a version is known by.
#include "imaging/version_spec.hpp"

#include <set>

#include <gtest/gtest.h>

namespace photogate::imaging {
namespace {

Watermark mark() {
    return {.sha256 = std::string(64, 'a')};
}

TEST(VersionSpec, key_is_the_same_text_for_ever) {
    // Stored rows and caches hold these: a change here needs a new number in front.
    EXPECT_EQ(VersionSpec{}.key(), "2.reencode.2048.inside.-.auto.82.-");
    const VersionSpec full{.mode = PublishMode::strip,
                           .max_edge = 640,
                           .fit = Fit::outside,
                           .crop = Aspect{4, 3},
                           .format = Format::webp,
                           .quality = 70,
                           .watermark = Watermark{std::string(64, 'b'), Corner::top_left, 30, 40}};
    EXPECT_EQ(
        VersionSpec({.crop = Aspect{1, 1}, .gravity = Gravity::north_west, .growth = Growth::accept}).key(),
        "2.reencode.2048.inside.1x1.auto.82.-.north_west.grown");
    EXPECT_EQ(VersionSpec({.crop = Aspect{1, 1}, .reshape = Reshape::stretch}).key(),
              "2.reencode.2048.inside.1x1.auto.82.-.stretch");
    EXPECT_EQ(full.key(), "2.strip.640.outside.4x3.webp.70." + std::string(64, 'b') + ".top_left.30.40");
}

TEST(VersionSpec, key_differs_wherever_the_picture_may) {
    std::set<std::string> keys;
    std::size_t count = 0;
    const auto add = [&](const VersionSpec& spec) {
        keys.insert(spec.key());
        ++count;
    };
    add({});
    add({.mode = PublishMode::strip});
    add({.max_edge = 2047});
    add({.fit = Fit::outside});
    add({.crop = Aspect{1, 1}});
    add({.crop = Aspect{4, 3}});
    add({.crop = Aspect{3, 4}});
    for (const Gravity gravity : kAllGravities)
        if (gravity != Gravity::centre) add({.crop = Aspect{1, 1}, .gravity = gravity});
    add({.crop = Aspect{1, 1}, .reshape = Reshape::stretch});
    for (const Format format : kAllFormats)
        add({.format = format});
    add({.quality = 81});
    add({.watermark = mark()});
    add({.watermark = Watermark{std::string(64, 'c')}});
    add({.watermark = Watermark{std::string(64, 'a'), Corner::centre}});
    add({.watermark = Watermark{std::string(64, 'a'), Corner::bottom_right, 21}});
    add({.watermark = Watermark{std::string(64, 'a'), Corner::bottom_right, 20, 61}});
    EXPECT_EQ(keys.size(), count);
}

TEST(VersionSpec, key_is_that_of_the_proportions_and_not_of_the_numbers) {
    EXPECT_EQ((VersionSpec{.crop = Aspect{8, 6}}.key()), (VersionSpec{.crop = Aspect{4, 3}}.key()));
}

TEST(VersionSpec, key_is_without_what_changes_nothing) {
    EXPECT_EQ((VersionSpec{.gravity = Gravity::north}.key()), VersionSpec{}.key());
    EXPECT_EQ((VersionSpec{.reshape = Reshape::stretch}.key()), VersionSpec{}.key());
    EXPECT_EQ(
        (VersionSpec{.crop = Aspect{1, 1}, .reshape = Reshape::stretch, .gravity = Gravity::north}.key()),
        (VersionSpec{.crop = Aspect{1, 1}, .reshape = Reshape::stretch}.key()));
}

TEST(VersionSpec, never_enlarges_and_keeps_its_proportions) {
    EXPECT_EQ(largest_area({4000, 3000}, {1, 1}), (PictureSize{3000, 3000}));
    EXPECT_EQ(largest_area({4000, 3000}, {16, 9}), (PictureSize{4000, 2250}));
    EXPECT_EQ(largest_area({4000, 3000}, {1, 16'384}), (PictureSize{1, 3000}));
    EXPECT_EQ(largest_area({1, 1}, {16'384, 1}), (PictureSize{1, 1}));
    EXPECT_EQ(fitted_edge({4000, 3000}, {.max_edge = 400}), 400U);
    EXPECT_EQ(fitted_edge({4000, 3000}, {.max_edge = 5000}), 4000U);
    EXPECT_EQ(fitted_edge({4000, 3000}, {.max_edge = 300, .fit = Fit::outside}), 400U);
    EXPECT_EQ(fitted_edge({4000, 3000}, {.max_edge = 3000, .fit = Fit::outside}), 4000U);
}

TEST(VersionSpec, key_is_fit_for_a_name) {
    const VersionSpec longest{.mode = PublishMode::reencode,
                              .max_edge = 65'535,
                              .fit = Fit::outside,
                              .crop = Aspect{16'384, 16'383},
                              .gravity = Gravity::south_east,
                              .format = Format::jpeg,
                              .quality = 100,
                              .growth = Growth::accept,
                              .watermark = Watermark{std::string(64, 'f'), Corner::bottom_right, 100, 100}};
    EXPECT_LE(longest.key().size(), 160U);
    EXPECT_EQ(longest.key().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_"), std::string::npos);
}

TEST(VersionSpec, says_what_is_wrong) {
    EXPECT_EQ(complaint_about({}), std::nullopt);
    EXPECT_EQ(complaint_about({.watermark = mark()}), std::nullopt);
    EXPECT_TRUE(complaint_about({.max_edge = 0}));
    EXPECT_TRUE(complaint_about({.max_edge = 65'536}));
    EXPECT_TRUE(complaint_about({.crop = Aspect{0, 1}}));
    EXPECT_TRUE(complaint_about({.crop = Aspect{1, 16'385}}));
    EXPECT_TRUE(complaint_about({.quality = 0}));
    EXPECT_TRUE(complaint_about({.quality = 101}));
    EXPECT_TRUE(complaint_about({.watermark = Watermark{}}));
    EXPECT_TRUE(complaint_about({.watermark = Watermark{std::string(64, 'A')}}));
    EXPECT_TRUE(complaint_about({.watermark = Watermark{std::string(64, 'a'), Corner::centre, 0}}));
    EXPECT_TRUE(complaint_about({.watermark = Watermark{std::string(64, 'a'), Corner::centre, 20, 101}}));
}

}  // namespace
}  // namespace photogate::imaging
