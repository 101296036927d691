// Placeholders: ThumbHashes made pictures as the format's own decoder makes them, and PNG that others read.
#include "delivery/placeholder.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>
#include <zlib.h>

#include "delivery/thumb_hash.hpp"

namespace photogate::delivery {
namespace {

struct Sample {
    std::uint32_t x, y;
    std::array<int, 4> rgba;
};

void expect_samples(const char* hash, std::uint32_t width, std::uint32_t height,
                    const std::vector<Sample>& samples) {
    const auto picture = decode_thumb_hash(*from_base64(hash), width, height);
    ASSERT_TRUE(picture) << hash;
    ASSERT_EQ(picture->width, width);
    ASSERT_EQ(picture->height, height);
    ASSERT_EQ(picture->rgba.size(), std::size_t{width} * height * 4);
    for (const auto& sample : samples) {
        for (std::size_t band = 0; band < 4; ++band)
            EXPECT_LE(std::abs(picture->rgba[(sample.y * width + sample.x) * 4 + band] - sample.rgba[band]),
                      1)
                << hash << " at " << sample.x << ", " << sample.y << ", band " << band;
    }
}

TEST(ThumbHashDecoder, makes_the_pixels_of_the_formats_own_decoder) {
    // What thumbhash 0.1.1 (npm) answers.
    expect_samples("1QcSHQRnh493V4dIh4eXh1h4kJUI", 23, 32,
                   {{0, 0, {64, 77, 113, 255}},
                    {22, 0, {84, 109, 139, 255}},
                    {0, 31, {0, 12, 42, 255}},
                    {22, 31, {0, 4, 39, 255}},
                    {11, 16, {140, 109, 88, 255}},
                    {5, 9, {177, 162, 164, 255}}});
    expect_samples("oEiGIw45s6CIeHizoDj7dXB3eIiHiHg=", 19, 32,
                   {{0, 0, {149, 80, 124, 58}},
                    {18, 0, {227, 26, 114, 248}},
                    {0, 31, {140, 165, 108, 4}},
                    {18, 31, {214, 202, 89, 220}},
                    {9, 16, {122, 118, 119, 160}},
                    {5, 9, {126, 89, 127, 97}}});
}

TEST(ThumbHashDecoder, keeps_the_pictures_proportions_within_the_edge) {
    const auto hash = *from_base64("1QcSHQRnh493V4dIh4eXh1h4kJUI");
    const auto size = [&](std::uint32_t width, std::uint32_t height) {
        const auto picture = decode_thumb_hash(hash, width, height);
        return picture ? std::pair{picture->width, picture->height} : std::pair{0U, 0U};
    };
    EXPECT_EQ(size(4'000, 3'000), (std::pair{32U, 24U}));
    EXPECT_EQ(size(1, 65'535), (std::pair{1U, 32U}));
    EXPECT_EQ(size(4'294'967'295, 1), (std::pair{32U, 1U}));
    EXPECT_EQ(size(0, 10), (std::pair{0U, 0U}));
}

TEST(ThumbHashDecoder, refuses_bytes_that_are_cut_off) {
    for (const char* text : {"1QcSHQRnh493V4dIh4eXh1h4kJUI", "oEiGIw45s6CIeHizoDj7dXB3eIiHiHg="}) {
        const auto whole = *from_base64(text);
        for (std::size_t size = 0; size + 1 < whole.size(); ++size)
            EXPECT_FALSE(decode_thumb_hash(BytesView{whole}.first(size), 3, 4)) << size;
    }
}

TEST(ThumbHashDecoder, makes_some_picture_of_any_bytes) {
    for (int fill = 0; fill < 256; ++fill)
        EXPECT_TRUE(decode_thumb_hash(Bytes(64, static_cast<std::uint8_t>(fill)), 640, 480)) << fill;
}

std::uint32_t number_at(const std::string& text, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | static_cast<std::uint8_t>(text[at + i]);
    return number;
}

/// The rows, inflated, after each chunk's length and CRC were found right.
std::string rows_of(const std::string& png) {
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
    std::string data;
    std::string order;
    for (std::size_t at = 8; at + 12 <= png.size();) {
        const auto size = number_at(png, at);
        const auto type = png.substr(at + 4, 4);
        order += type + " ";
        if (type == "IDAT") data += png.substr(at + 8, size);
        EXPECT_EQ(number_at(png, at + 8 + size),
                  ::crc32(0, reinterpret_cast<const Bytef*>(png.data() + at + 4), size + 4));
        at += 12 + size;
    }
    EXPECT_EQ(order, "IHDR IDAT IEND ");
    std::string rows(1 << 16, '\0');
    uLongf size = rows.size();
    EXPECT_EQ(::uncompress(reinterpret_cast<Bytef*>(rows.data()), &size,
                           reinterpret_cast<const Bytef*>(data.data()), data.size()),
              Z_OK);
    rows.resize(size);
    return rows;
}

TEST(TinyPng, has_alpha_only_where_something_is_not_opaque) {
    const auto opaque = to_png({2, 1, {1, 2, 3, 255, 4, 5, 6, 255}});
    EXPECT_EQ(rows_of(opaque), std::string("\0\1\2\3\4\5\6", 7));
    EXPECT_EQ(opaque[25], 2);
    const auto clear = to_png({1, 2, {1, 2, 3, 255, 4, 5, 6, 9}});
    EXPECT_EQ(rows_of(clear), std::string("\0\1\2\3\xFF\0\4\5\6\x09", 10));
    EXPECT_EQ(clear[25], 6);
    EXPECT_EQ(std::pair(number_at(clear, 16), number_at(clear, 20)), (std::pair{1U, 2U}));
}

TEST(PlaceholderTest, is_the_images_thumb_hash_in_its_proportions) {
    LocatedImage image;
    image.width = 400;
    image.height = 200;
    image.thumb_hash = "1QcSHQRnh493V4dIh4eXh1h4kJUI";
    const auto made = placeholder_of(image);
    EXPECT_EQ(std::pair(number_at(made.png, 16), number_at(made.png, 20)), (std::pair{32U, 16U}));
    EXPECT_LT(made.png.size(), 4'096U);
    EXPECT_EQ(made.etag.size(), 34U);
    EXPECT_EQ(made.etag, placeholder_of(image).etag);
    EXPECT_NE(made.etag, neutral_placeholder().etag);
}

TEST(PlaceholderTest, is_a_pixel_of_the_dominant_colour_or_grey_where_there_is_no_thumb_hash) {
    LocatedImage image;
    image.width = image.height = 10;
    image.dominant_color = "#0a141e";
    EXPECT_EQ(rows_of(placeholder_of(image).png), std::string("\0\x0a\x14\x1e", 4));
    for (const char* hash : {"AAAA", "not base64", ""}) {
        image.thumb_hash = hash;
        EXPECT_EQ(rows_of(placeholder_of(image).png), std::string("\0\x0a\x14\x1e", 4)) << hash;
    }
    image.dominant_color = "";
    EXPECT_EQ(placeholder_of(image).etag, neutral_placeholder().etag);
}

}  // namespace
}  // namespace photogate::delivery
