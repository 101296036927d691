// What a URL asks for, of one image: sizes, proportions, formats, and that what is the same has one key.
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "delivery/parameters.hpp"

namespace photogate::delivery {
namespace {

using imaging::Aspect;
using imaging::Format;
using imaging::Gravity;
using imaging::Reshape;
using model::DeliveryPolicy;

const SourceImage kLandscape{3'000, 2'000, Format::jpeg, SourceImage::Alpha::absent, false};
const SourceImage kPortrait{2'000, 3'000, Format::jpeg, SourceImage::Alpha::absent, false};

struct Asking {
    SourceImage source = kLandscape;
    DeliveryPolicy policy;
    std::string accept;
};

Result<ChosenVersion> choose(std::vector<NamedValue> query, const Asking& asking = {}) {
    const auto asked = read_parameters("", query);
    if (!asked) return fail(asked.error());
    return choose_version(*asked, asking.accept, asking.policy, asking.source);
}

imaging::VersionSpec spec(std::vector<NamedValue> query, const Asking& asking = {}) {
    const auto chosen = choose(std::move(query), asking);
    EXPECT_TRUE(chosen) << chosen.error().detail;
    EXPECT_TRUE(chosen && chosen->spec) << "the published image itself";
    const auto found = chosen && chosen->spec ? *chosen->spec : imaging::VersionSpec{};
    EXPECT_EQ(imaging::complaint_about(found), std::nullopt);
    return found;
}

bool is_published_image(std::vector<NamedValue> query, const Asking& asking = {}) {
    const auto chosen = choose(std::move(query), asking);
    return chosen && !chosen->spec;
}

/// The size of the picture that the imager makes.
imaging::PictureSize size_of(const imaging::VersionSpec& version, const SourceImage& source) {
    imaging::PictureSize kept{source.width, source.height};
    if (version.crop) kept = imaging::largest_area(kept, *version.crop);
    const std::uint64_t longer = std::max(kept.width, kept.height);
    const auto edge = imaging::fitted_edge(kept, version);
    return {static_cast<std::uint32_t>((kept.width * std::uint64_t{edge} + longer / 2) / longer),
            static_cast<std::uint32_t>((kept.height * std::uint64_t{edge} + longer / 2) / longer)};
}

TEST(ChooseVersion, rounds_sizes_up_to_the_ladder) {
    const auto key = spec({{"width", "400"}}).key();
    EXPECT_EQ(key, "2.reencode.480.inside.-.jpeg.82.-");
    for (const char* width : {"321", "401", "402", "480"})
        EXPECT_EQ(spec({{"w", width}}).key(), key) << width;
    EXPECT_EQ(spec({{"width", "240"}, {"dpr", "2"}}).key(), key);
    EXPECT_EQ(spec({{"width", "300"}, {"dpr", "1.5"}}).key(), key);
    EXPECT_NE(spec({{"width", "481"}}).key(), key);
    EXPECT_EQ(spec({{"width", "1"}}).max_edge, 160U);
    EXPECT_EQ(spec({{"width", "65535"}, {"dpr", "4"}}).max_edge, 2'560U);
}

TEST(ChooseVersion, bounds_width_and_height_whichever_is_the_longer) {
    EXPECT_EQ(size_of(spec({{"width", "800"}}), kLandscape), (imaging::PictureSize{800, 533}));
    EXPECT_EQ(size_of(spec({{"width", "800"}}, {kPortrait}), kPortrait), (imaging::PictureSize{800, 1'200}));
    EXPECT_EQ(size_of(spec({{"height", "800"}}), kLandscape), (imaging::PictureSize{1'200, 800}));
    EXPECT_EQ(size_of(spec({{"width", "800"}, {"height", "160"}}), kLandscape),
              (imaging::PictureSize{240, 160}));
    EXPECT_EQ(size_of(spec({{"width", "160"}, {"height", "800"}}), kLandscape),
              (imaging::PictureSize{160, 107}));
    // Of one side alone there is nothing to cut off.
    EXPECT_EQ(spec({{"width", "800"}, {"fit", "cover"}}).key(), spec({{"width", "800"}}).key());
}

TEST(ChooseVersion, never_enlarges) {
    const Asking small{{400, 300, Format::jpeg, SourceImage::Alpha::absent, false}, {}, {}};
    EXPECT_TRUE(is_published_image({{"width", "401"}}, small));
    EXPECT_TRUE(is_published_image({{"width", "400"}, {"height", "2000"}}, small));
    EXPECT_EQ(spec({{"width", "1000"}, {"format", "webp"}}, small).max_edge, 400U);
    EXPECT_EQ(spec({{"width", "1000"}, {"format", "webp"}}, small).key(), spec({{"f", "webp"}}, small).key());
    const auto square = spec({{"width", "900"}, {"height", "900"}, {"fit", "cover"}}, small);
    EXPECT_EQ(size_of(square, small.source), (imaging::PictureSize{300, 300}));
    const auto flat = spec({{"width", "900"}, {"height", "900"}, {"fit", "fill"}}, small);
    EXPECT_EQ(size_of(flat, small.source), (imaging::PictureSize{300, 300}));
    const Asking dot{{1, 1, Format::png, SourceImage::Alpha::unknown, false}, {}, {}};
    EXPECT_TRUE(is_published_image({{"width", "160"}}, dot));
}

TEST(ChooseVersion, covers_and_fills_a_box_of_its_proportions) {
    const auto cover = spec({{"width", "400"}, {"height", "300"}, {"fit", "cover"}});
    EXPECT_EQ(cover.crop, (Aspect{4, 3}));
    EXPECT_EQ(cover.reshape, Reshape::crop);
    EXPECT_EQ(cover.gravity, Gravity::centre);
    EXPECT_EQ(size_of(cover, kLandscape), (imaging::PictureSize{480, 360}));
    for (const auto& [width, height] :
         {std::pair{"401", "300"}, std::pair{"402", "302"}, std::pair{"480", "360"}})
        EXPECT_EQ(spec({{"width", width}, {"height", height}, {"fit", "cover"}}).key(), cover.key()) << width;
    const auto fill = spec({{"width", "160"}, {"height", "90"}, {"fit", "fill"}, {"gravity", "north"}});
    EXPECT_EQ(fill.crop, (Aspect{16, 9}));
    EXPECT_EQ(fill.reshape, Reshape::stretch);
    EXPECT_EQ(fill.gravity, Gravity::centre);
    const auto east = spec({{"width", "160"}, {"height", "160"}, {"fit", "cover"}, {"gravity", "east"}});
    EXPECT_EQ(east.gravity, Gravity::east);
    // A box of the picture's own proportions cuts nothing off.
    EXPECT_EQ(spec({{"width", "600"}, {"height", "400"}, {"fit", "cover"}, {"gravity", "east"}}).key(),
              spec({{"width", "640"}}).key());
    // However flat.
    EXPECT_EQ(spec({{"width", "65535"}, {"height", "1"}, {"fit", "cover"}}).crop, (Aspect{240, 1}));
}

TEST(ChooseVersion, has_few_keys_for_all_sizes_of_a_box) {
    std::set<std::string> keys;
    for (std::uint32_t width = 1; width <= 3'000; width += 7) {
        const auto text = std::to_string(width);
        const auto chosen = choose({{"width", text}, {"height", "300"}, {"fit", "cover"}});
        ASSERT_TRUE(chosen);
        if (chosen->spec) keys.insert(chosen->spec->key());
    }
    EXPECT_LE(keys.size(), 2 * 240U);
}

TEST(ChooseVersion, takes_free_sizes_as_they_are_up_to_the_largest) {
    Asking free;
    free.policy.sizes = DeliveryPolicy::Sizes::free;
    free.policy.ladder = {500, 1'000};
    EXPECT_EQ(spec({{"width", "401"}}, free).max_edge, 401U);
    EXPECT_EQ(spec({{"width", "1001"}}, free).max_edge, 1'000U);
    const auto box = spec({{"width", "401"}, {"height", "303"}, {"fit", "cover"}}, free);
    EXPECT_EQ(box.crop, (Aspect{401, 303}));
    EXPECT_EQ(box.max_edge, 401U);
    const auto large = spec({{"width", "65535"}, {"height", "65534"}, {"fit", "cover"}, {"dpr", "4"}}, free);
    EXPECT_EQ(large.max_edge, 1'000U);
}

TEST(ChooseVersion, has_the_image_itself_for_what_changes_nothing) {
    EXPECT_TRUE(is_published_image({}));
    EXPECT_TRUE(is_published_image({{"format", "jpeg"}}));
    EXPECT_TRUE(is_published_image({{"dpr", "3"}, {"fit", "cover"}, {"gravity", "north"}}));
    EXPECT_FALSE(is_published_image({{"quality", "82"}}));
    EXPECT_FALSE(is_published_image({{"format", "webp"}}));
}

TEST(ChooseVersion, rounds_qualities_up) {
    EXPECT_EQ(spec({{"q", "1"}}).quality, 40);
    EXPECT_EQ(spec({{"q", "61"}}).quality, 75);
    EXPECT_EQ(spec({{"q", "75"}}).quality, 75);
    EXPECT_EQ(spec({{"q", "100"}}).quality, 90);
    Asking other;
    other.policy.quality = 70;
    EXPECT_EQ(spec({{"w", "160"}}, other).quality, 70);
}

TEST(ChooseVersion, keeps_the_format_unless_another_is_asked_for) {
    const Asking png{{500, 500, Format::png, SourceImage::Alpha::unknown, false}, {}, {}};
    EXPECT_EQ(spec({{"width", "160"}}, png).format, Format::png);
    EXPECT_EQ(spec({{"width", "160"}, {"format", "origin"}}, png).format, Format::png);
    EXPECT_EQ(spec({{"width", "160"}, {"format", "jpeg"}}, png).format, Format::jpeg);
}

TEST(ChooseVersion, refuses_a_format_that_is_not_offered) {
    const auto gif = choose({{"format", "gif"}});
    ASSERT_FALSE(gif);
    EXPECT_EQ(gif.error().code, ErrorCode::invalid_query);
    EXPECT_NE(gif.error().detail.find("webp"), std::string::npos);
    // The image's own is offered always.
    Asking only;
    only.policy.formats = {Format::webp};
    EXPECT_TRUE(is_published_image({{"format", "jpeg"}}, only));
}

TEST(ChooseVersion, puts_clients_into_three_classes) {
    struct Row {
        const char* accept;
        AcceptClass found;
    };
    const Row rows[] = {
        {"", AcceptClass::any},
        {"*/*", AcceptClass::any},
        {"image/*,*/*;q=0.8", AcceptClass::any},
        {"image/jpeg, image/png", AcceptClass::any},
        {"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", AcceptClass::avif},
        {"image/webp,image/avif", AcceptClass::avif},
        {"image/webp,*/*", AcceptClass::webp},
        {"IMAGE/WebP;q=0.001", AcceptClass::webp},
        {"image/avif;q=0,image/webp", AcceptClass::webp},
        {"image/avif;q=0.0, image/webp;Q=0.000", AcceptClass::any},
        {"image/avif ; q=1 , text/html", AcceptClass::avif},
        {"image/avif;profile=x;q=0", AcceptClass::any},
        {"image/avif;q=", AcceptClass::any},
        {"image/avif;q=NaN", AcceptClass::any},
        {"image/avif;q=-1", AcceptClass::any},
        {"image/avifx,ximage/webp", AcceptClass::any},
        {",,;;,image/webp,,", AcceptClass::webp},
        {";q=1", AcceptClass::any},
    };
    for (const auto& row : rows)
        EXPECT_EQ(accept_class(row.accept), row.found) << row.accept;
}

TEST(ChooseVersion, picks_the_format_by_class) {
    const auto format = [](const SourceImage& source, const char* accept, std::vector<Format> offered) {
        Asking asking{source, {}, accept};
        asking.policy.formats = std::move(offered);
        const auto chosen = choose({{"width", "160"}, {"format", "auto"}}, asking);
        EXPECT_TRUE(chosen && chosen->varies && chosen->spec);
        return chosen->spec->format;
    };
    const std::vector<Format> all = DeliveryPolicy{}.formats;
    const SourceImage webp{500, 500, Format::webp, SourceImage::Alpha::unknown, false};
    const SourceImage opaque{500, 500, Format::webp, SourceImage::Alpha::absent, false};
    const SourceImage moving{500, 500, Format::webp, SourceImage::Alpha::unknown, true};
    EXPECT_EQ(format(kLandscape, "image/avif,image/webp", all), Format::avif);
    EXPECT_EQ(format(kLandscape, "image/webp", all), Format::webp);
    EXPECT_EQ(format(kLandscape, "*/*", all), Format::jpeg);
    EXPECT_EQ(format(webp, "*/*", all), Format::png);
    EXPECT_EQ(format(opaque, "*/*", all), Format::jpeg);
    EXPECT_EQ(format(moving, "image/avif", all), Format::webp);
    EXPECT_EQ(format(moving, "*/*", all), Format::webp);
    EXPECT_EQ(format(kLandscape, "image/avif", {Format::webp}), Format::webp);
    EXPECT_EQ(format(kLandscape, "image/avif", {Format::png}), Format::jpeg);
    EXPECT_EQ(format(webp, "", {Format::avif}), Format::webp);
}

TEST(ChooseVersion, varies_with_accept_only_where_the_format_is_automatic) {
    EXPECT_FALSE(choose({{"width", "160"}})->varies);
    EXPECT_FALSE(choose({{"format", "webp"}})->varies);
    const auto whole = choose({{"format", "auto"}});
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->varies);
    EXPECT_FALSE(whole->spec);
}

// --- watermarks

imaging::Watermark mark(char digit = 'a') {
    imaging::Watermark mark;
    mark.sha256 = std::string(64, digit);
    mark.picture = std::make_shared<const Bytes>(Bytes{1});
    return mark;
}

/// Of a profile with a watermark; `carried` by the published image.
Asking with_mark(std::string carried) {
    Asking asking;
    asking.policy.watermark = mark();
    asking.source.watermark = std::move(carried);
    return asking;
}

const std::vector<std::vector<NamedValue>> kAnything = {
    {{"width", "400"}},
    {{"height", "60000"}, {"dpr", "4"}},
    {{"width", "400"}, {"height", "400"}, {"fit", "cover"}},
    {{"width", "400"}, {"height", "400"}, {"fit", "cover"}, {"gravity", "north"}},
    {{"width", "400"}, {"height", "400"}, {"fit", "fill"}},
    {{"format", "webp"}},
    {{"format", "auto"}},
    {{"quality", "100"}},
    {}};

TEST(ChooseVersion, marks_everything_of_an_image_that_carries_no_watermark) {
    for (const char* carried : {"", "clean"}) {
        const auto asking = with_mark(carried);
        EXPECT_TRUE(must_be_marked(asking.policy, carried));
        for (const auto& query : kAnything) {
            const auto version = spec(query, asking);
            ASSERT_TRUE(version.watermark) << version.key();
            EXPECT_EQ(*version.watermark, mark()) << version.key();
            EXPECT_TRUE(version.format);
        }
    }
}

TEST(ChooseVersion, does_not_mark_twice_what_carries_the_watermark) {
    const auto carried = mark().identity();
    const auto asking = with_mark(carried);
    EXPECT_FALSE(must_be_marked(asking.policy, carried));
    EXPECT_TRUE(is_published_image({}, asking));
    EXPECT_EQ(spec({{"width", "400"}}, asking).watermark, std::nullopt);
    EXPECT_EQ(spec({{"width", "400"}, {"height", "400"}, {"fit", "fill"}}, asking).watermark, std::nullopt);
    // Whether a crop shows all of it the imager finds out.
    const auto cropped = spec({{"width", "400"}, {"height", "400"}, {"fit", "cover"}}, asking);
    ASSERT_TRUE(cropped.watermark);
    EXPECT_EQ(cropped.watermark->source, imaging::Watermark::Source::marked);
}

TEST(ChooseVersion, marks_crops_of_an_image_with_another_watermark) {
    const auto asking = with_mark(mark('b').identity());
    EXPECT_TRUE(is_published_image({}, asking));
    EXPECT_EQ(spec({{"width", "400"}}, asking).watermark, std::nullopt);
    EXPECT_EQ(spec({{"width", "400"}, {"height", "400"}, {"fit", "cover"}}, asking).watermark, mark());
}

TEST(ChooseVersion, tells_a_text_when_the_picture_was_taken_where_it_wants_to_know) {
    auto asking = with_mark("");
    asking.source.taken_at = "2024-03-10T12:34:56";
    EXPECT_EQ(spec({}, asking).watermark->taken_at, std::nullopt);
    auto& text = *asking.policy.watermark;
    text.picture.reset();
    text.font = "/f.ttf";
    text.text = "shop";
    EXPECT_EQ(spec({}, asking).watermark->taken_at, std::nullopt);
    text.text = "shop {taken_at:%Y}";
    EXPECT_EQ(spec({}, asking).watermark->taken_at, "2024-03-10T12:34:56");
}

TEST(ChooseVersion, holds_versions_to_the_profile_bytes) {
    Asking asking;
    asking.policy.max_bytes = 50'000;
    EXPECT_EQ(spec({{"width", "400"}}, asking).max_bytes, 50'000U);
    asking.policy.gamut = imaging::Gamut::kept;
    asking.policy.sharpening = imaging::Sharpening::mild;
    EXPECT_EQ(spec({{"width", "400"}}, asking).gamut, imaging::Gamut::kept);
    EXPECT_EQ(spec({{"width", "400"}}, asking).sharpening, imaging::Sharpening::mild);
    EXPECT_TRUE(is_published_image({}, asking));
}

}  // namespace
}  // namespace photogate::delivery
