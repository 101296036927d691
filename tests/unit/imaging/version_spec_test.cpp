// What a version is known by.
#include "imaging/version_spec.hpp"

#include <set>

#include <gtest/gtest.h>

namespace photogate::imaging {
namespace {

Watermark mark(char digit = 'a') {
    Watermark mark;
    mark.sha256 = std::string(64, digit);
    mark.picture = std::make_shared<const Bytes>(Bytes{1, 2, 3});
    return mark;
}

/// mark() with one thing changed.
template <class Change>
Watermark mark_with(const Change& change) {
    Watermark changed = mark();
    change(changed);
    return changed;
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
                           .watermark = mark('b')};
    EXPECT_EQ(
        VersionSpec({.crop = Aspect{1, 1}, .gravity = Gravity::north_west, .growth = Growth::accept}).key(),
        "2.reencode.2048.inside.1x1.auto.82.-.north_west.grown");
    EXPECT_EQ(VersionSpec({.crop = Aspect{1, 1}, .reshape = Reshape::stretch}).key(),
              "2.reencode.2048.inside.1x1.auto.82.-.stretch");
    EXPECT_EQ(full.key(),
              "2.strip.640.outside.4x3.webp.70." + std::string(32, 'b') + ".south_east.20.60.2x2");
    const auto told = mark_with([](Watermark& mark) {
        mark.tiling = Tiling::tiled;
        mark.taken_at = "2024-03-10T12:34:56+02:00";
        mark.source = Watermark::Source::marked;
    });
    EXPECT_EQ(VersionSpec({.max_bytes = 5000, .watermark = told}).key(),
              "2.reencode.2048.inside.-.auto.82." + std::string(32, 'a') +
                  ".south_east.20.60.2x2.tiled.t202403101234560200.marked.most5000");
    EXPECT_EQ(VersionSpec({.gamut = Gamut::kept, .sharpening = Sharpening::mild}).key(),
              "2.reencode.2048.inside.-.auto.82.-.wide.sharp");
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
    add({.watermark = mark('c')});
    add({.watermark = mark_with([](Watermark& mark) { mark.gravity = Gravity::centre; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.size = 21; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.opacity = 61; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.offset_x = 3; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.offset_y = 3; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.tiling = Tiling::tiled; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.taken_at = "2024-03-10T12:34:56"; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.taken_at = "2025-03-10T12:34:56"; })});
    add({.watermark = mark_with([](Watermark& mark) { mark.source = Watermark::Source::marked; })});
    add({.max_bytes = 1});
    add({.max_bytes = 2});
    add({.gamut = Gamut::kept});
    add({.sharpening = Sharpening::mild});
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
    const auto long_mark = mark_with([](Watermark& mark) {
        mark.gravity = Gravity::north_west;
        mark.size = mark.opacity = 100;
        mark.offset_x = mark.offset_y = 50;
        mark.tiling = Tiling::tiled;
        mark.taken_at = std::string(32, '9');
        mark.source = Watermark::Source::marked;
    });
    const VersionSpec longest{.mode = PublishMode::reencode,
                              .max_edge = 65'535,
                              .fit = Fit::outside,
                              .crop = Aspect{16'384, 16'383},
                              .gravity = Gravity::south_east,
                              .format = Format::jpeg,
                              .quality = 100,
                              .growth = Growth::accept,
                              .max_bytes = ~ByteSize{0},
                              .watermark = long_mark};
    EXPECT_EQ(complaint_about(longest), std::nullopt);
    EXPECT_LE(longest.key().size(), 240U);
    EXPECT_LE(long_mark.identity().size(), 76U);
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
    const auto is_wrong = [](const auto& change) {
        return complaint_about({.watermark = mark_with(change)}).has_value();
    };
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.sha256 = std::string(64, 'A'); }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.sha256.pop_back(); }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.size = 0; }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.opacity = 101; }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.offset_x = 51; }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.offset_y = 51; }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.gravity = Gravity::attention; }));
    EXPECT_TRUE(is_wrong([](Watermark& mark) { mark.picture = std::make_shared<const Bytes>(); }));
    EXPECT_TRUE(is_wrong(
        [](Watermark& mark) { mark.picture = std::make_shared<const Bytes>(Bytes(kMaxWatermark + 1)); }));
    const auto text = [](Watermark& mark) {
        mark.picture.reset();
        mark.text = "© shop";
        mark.font = "/f.ttf";
    };
    EXPECT_FALSE(is_wrong(text));
    EXPECT_TRUE(is_wrong([&](Watermark& mark) { text(mark), mark.font.clear(); }));
    EXPECT_TRUE(is_wrong([&](Watermark& mark) { text(mark), mark.text = "{sha256}"; }));
    EXPECT_TRUE(is_wrong([&](Watermark& mark) { text(mark), mark.taken_at = std::string(33, '1'); }));
}

}  // namespace
}  // namespace photogate::imaging
