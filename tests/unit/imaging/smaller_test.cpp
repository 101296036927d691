#include "imaging/imager/smaller.hpp"

#include <algorithm>

#include <gtest/gtest.h>
#include <vips/vips.h>

namespace photogate::imaging {
namespace {

Bytes jpeg_of_quality(int quality) {
    VipsImage* black = nullptr;
    EXPECT_EQ(vips_black(&black, 16, 16, "bands", 3, nullptr), 0);
    void* memory = nullptr;
    std::size_t size = 0;
    EXPECT_EQ(vips_jpegsave_buffer(black, &memory, &size, "Q", quality, nullptr), 0);
    const auto* start = static_cast<const std::uint8_t*>(memory);
    Bytes bytes(start, start + size);
    g_free(memory);
    g_object_unref(black);
    return bytes;
}

Inspection of(Format format) {
    Inspection inspection;
    inspection.format = format;
    return inspection;
}

TEST(Smaller, reads_quality_from_quantisation_tables) {
    for (const int quality : {10, 40, 50, 75, 82, 95})
        EXPECT_NEAR(jpeg_quality(jpeg_of_quality(quality)).value_or(0), quality, 1);
    EXPECT_FALSE(jpeg_quality({}));
    EXPECT_FALSE(jpeg_quality(Bytes{0xFF, 0xD8, 0xFF, 0xDA, 0, 2}));
    Bytes cut = jpeg_of_quality(75);
    cut.resize(30);
    EXPECT_FALSE(jpeg_quality(cut));
}

TEST(Smaller, tries_a_jpeg_at_its_own_quality_first) {
    const auto plan = smaller_encodings({}, of(Format::jpeg), {.format = Format::jpeg, .quality = 82}, 60);
    ASSERT_GE(plan.size(), 2U);
    EXPECT_EQ(plan.front().quality, 60);
    EXPECT_EQ(plan.back().quality, 30);
    const auto lowest = smaller_encodings({}, of(Format::jpeg), {.format = Format::jpeg, .quality = 82}, 12);
    ASSERT_EQ(lowest.size(), 1U);
    EXPECT_EQ(lowest.front().quality, 30);
    for (const auto& each :
         smaller_encodings({}, of(Format::jpeg), {.format = Format::jpeg, .quality = 20}, 95))
        EXPECT_LE(each.quality, 20) << "never above what was asked for";
}

TEST(Smaller, keeps_a_lossless_source_lossless_first) {
    const auto plan = smaller_encodings({}, of(Format::png), {.format = Format::jpeg, .quality = 82}, {});
    ASSERT_GE(plan.size(), 3U);
    EXPECT_EQ(plan[0].format, Format::png);
    EXPECT_EQ(plan[1].loss, Encoding::Loss::lossless);
    EXPECT_EQ(plan[2].format, Format::jpeg);
}

TEST(Smaller, chooses_no_format_that_not_every_browser_shows) {
    for (const Format source : {Format::jpeg, Format::png, Format::webp, Format::heic, Format::avif})
        for (const auto& each :
             smaller_encodings({}, of(source), {.format = Format::jpeg, .quality = 82}, {}))
            EXPECT_TRUE(each.format == Format::jpeg || each.format == Format::png ||
                        each.format == Format::webp)
                << to_string(source);
}

TEST(Smaller, passes_over_what_can_not_fit) {
    const Encoding before{.format = Format::webp, .quality = 82};
    const auto at = [](int quality) { return Encoding{.format = Format::webp, .quality = quality}; };
    EXPECT_TRUE(may_fit(at(70), before, 110, 100));
    EXPECT_FALSE(may_fit(at(70), before, 200, 100));
    EXPECT_TRUE(may_fit(at(46), before, 200, 100));
    EXPECT_FALSE(may_fit(at(30), before, 1000, 100));
    EXPECT_TRUE(may_fit({.format = Format::jpeg, .quality = 70}, before, 1000, 100)) << "another format";
}

TEST(Smaller, tries_what_there_is_time_for_and_always_the_last) {
    const Encoding first{.format = Format::jpeg, .quality = 82};
    const auto plan = smaller_encodings({}, of(Format::heic), first, {});
    const auto tried = [&](std::uint64_t pixels) {
        Attempts attempts(plan, pixels, 1'000, std::chrono::milliseconds(2'500));
        std::vector<int> qualities;
        Encoding before = first;
        while (const auto how = attempts.next(before, 5'000)) {
            before = *how;
            qualities.push_back(how->quality);
        }
        return qualities;
    };
    EXPECT_EQ(tried(640 * 480).size(), plan.size()) << "a small picture";
    EXPECT_EQ(tried(2048 * 2048), (std::vector<int>{82, 20}));
    EXPECT_EQ(tried(8000 * 8000), std::vector<int>{20});
}

TEST(Smaller, tries_a_long_animation_once_more_only) {
    const Encoding first{.format = Format::webp, .quality = 82};
    EXPECT_EQ(smaller_animations({}, first, 1).size(), 1U);
    EXPECT_EQ(smaller_animations({}, first, 9).size(), 3U);
    EXPECT_EQ(smaller_animations({}, first, 9).front().loss, Encoding::Loss::lossless);
    EXPECT_TRUE(smaller_animations({}, {.format = Format::gif}, 9).empty());
}

TEST(Smaller, changes_no_format_that_was_asked_for) {
    VersionSpec asked;
    for (const Format format : {Format::jpeg, Format::webp, Format::png}) {
        asked.format = format;
        for (const Format source : {Format::jpeg, Format::png, Format::heic, Format::webp}) {
            for (const auto& each :
                 smaller_encodings(asked, of(source), {.format = format, .quality = 82}, 50))
                EXPECT_EQ(each.format, format);
        }
    }
}

}  // namespace
}  // namespace photogate::imaging
