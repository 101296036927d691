// The colour profile of a stripped picture: what conversion needs, and nothing of its owner.
#include <array>

#include <gmock/gmock.h>

#include "imaging/containers/icc.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/parts/inflate.hpp"
#include "pictures.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using testing::contains;
using testing::inspected;
using testing::picture;

struct Sample {
    const char* name;
    ColourModel colour;
    std::vector<std::string> tags;
};

const std::vector<Sample>& profiles() {
    static const std::vector<std::string> matrix = {"desc", "cprt", "wtpt", "rXYZ", "gXYZ",
                                                    "bXYZ", "rTRC", "gTRC", "bTRC"};
    static const std::vector<std::string> new_matrix = {"desc", "cprt", "wtpt", "chad", "cicp", "rXYZ",
                                                        "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"};
    static const std::vector<Sample> all = {
        {"matrix-2.icc", ColourModel::rgb, matrix},
        {"matrix-4.icc", ColourModel::rgb, new_matrix},
        {"grey.icc", ColourModel::grey, {"desc", "cprt", "wtpt", "kTRC"}},
        {"cmyk-mft1.icc", ColourModel::cmyk, {"desc", "cprt", "wtpt", "A2B0"}},
        {"rgb-mft2.icc", ColourModel::rgb, {"desc", "cprt", "wtpt", "A2B0"}},
        {"rgb-mab.icc", ColourModel::rgb, {"desc", "cprt", "wtpt", "A2B0"}},
    };
    return all;
}

std::uint32_t number(BytesView bytes, std::size_t at) {
    ByteReader reader(bytes);
    reader.seek(at);
    return reader.u32();
}

std::vector<std::string> tags_of(BytesView profile) {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < number(profile, 128); ++i)
        names.emplace_back(as_text(profile).substr(132 + 12 * i, 4));
    return names;
}

BytesView element(BytesView profile, std::string_view tag) {
    for (std::uint32_t i = 0; i < number(profile, 128); ++i)
        if (as_text(profile).substr(132 + 12 * i, 4) == tag)
            return slice(profile, {number(profile, 136 + 12 * i), number(profile, 140 + 12 * i)});
    return {};
}

bool is_private(BytesView bytes) {
    return contains(bytes, "CANARY") || contains(bytes, "CNRY") || contains(bytes, "CAN");
}

/// A WebP is the simplest frame: the profile as it is.
std::vector<std::string> verdict(BytesView profile) {
    Bytes file = testing::bytes_of("RIFF\0\0\0\0WEBPICCP"sv);
    for (std::size_t i = 0; i < 4; ++i)
        file.push_back(static_cast<std::uint8_t>(profile.size() >> (8 * i)));
    file.insert(file.end(), profile.begin(), profile.end());
    if (profile.size() % 2 != 0) file.push_back(0);
    for (std::size_t i = 0; i < 4; ++i)
        file[4 + i] = static_cast<std::uint8_t>((file.size() - 8) >> (8 * i));
    return metadata_remaining(file);
}

TEST(ColourProfile, keeps_what_conversion_needs_and_nothing_else) {
    for (const auto& [name, colour, tags] : profiles()) {
        const Bytes before = picture(name);
        ASSERT_TRUE(is_private(before)) << name;
        ASSERT_TRUE(is_sane_icc(before, colour)) << name;
        const auto after = rebuild_icc(before);
        ASSERT_TRUE(after.has_value()) << name;
        EXPECT_FALSE(is_private(*after)) << name;
        EXPECT_EQ(tags_of(*after), tags) << name;
        EXPECT_TRUE(is_sane_icc(*after, colour)) << name;
        EXPECT_EQ(as_text(*after).substr(12, 12), as_text(before).substr(12, 12))
            << "class and colour spaces";
        EXPECT_EQ(rebuild_icc(*after), after) << name;
        EXPECT_THAT(verdict(*after), ::testing::IsEmpty()) << name;
        EXPECT_THAT(verdict(before), ::testing::Contains("icc")) << name;
    }
}

TEST(ColourProfile, keeps_every_value_of_a_table) {
    for (const auto& [name, colour, tags] : profiles()) {
        const Bytes before = picture(name);
        const auto after = rebuild_icc(before);
        ASSERT_TRUE(after.has_value()) << name;
        for (const std::string& tag : tags) {
            const BytesView was = element(before, tag);
            const BytesView is = element(*after, tag);
            if (tag == "desc" || tag == "cprt" || as_text(was).starts_with("mAB ")) continue;
            ASSERT_GE(was.size(), is.size()) << name << ' ' << tag;
            // Reserved bytes, at 4 to 8 and for parametric curves at 10 to 12, are made zeros.
            EXPECT_EQ(as_text(was).substr(12, is.size() - 12), as_text(is).substr(12)) << name << ' ' << tag;
        }
    }
}

TEST(ColourProfile, takes_padding_behind_the_stated_size) {
    const Bytes profile = picture("matrix-2.icc");
    Bytes padded = profile;
    padded.insert(padded.end(), 100, 'x');
    EXPECT_EQ(publishable_icc(padded, ColourModel::rgb), publishable_icc(profile, ColourModel::rgb));
    padded.resize(profile.size() - 1);
    EXPECT_TRUE(publishable_icc(padded, ColourModel::rgb).empty());
}

TEST(ColourProfile, one_that_cannot_be_rebuilt_stays_and_is_reported) {
    const Bytes odd = testing::replaced(picture("rgb-mft2.icc"), "mft2", "mft9");
    EXPECT_FALSE(rebuild_icc(odd).has_value());
    EXPECT_EQ(publishable_icc(odd, ColourModel::rgb), odd);
    EXPECT_THAT(verdict(odd), ::testing::Contains("icc"));
    EXPECT_FALSE(rebuild_icc(testing::replaced(picture("rgb-mft2.icc"), "RGB ", "RG* ")).has_value())
        << "no known colour space";
    const Bytes silent = testing::replaced(picture("grey.icc"), "kTRC", "priv");
    EXPECT_TRUE(publishable_icc(silent, ColourModel::grey).empty()) << "it converts nothing";
}

TEST(ColourProfile, every_damaged_byte_is_reported_or_a_value) {
    for (const auto& [name, colour, tags] : profiles()) {
        const auto clean = rebuild_icc(picture(name));
        ASSERT_TRUE(clean.has_value());
        for (std::size_t at = 0; at < clean->size(); ++at) {
            Bytes damaged = *clean;
            damaged[at] ^= 0x5A;
            if (!verdict(damaged).empty()) continue;
            // What passes stays as it is when it is rebuilt, so it was a value.
            EXPECT_EQ(rebuild_icc(damaged), std::optional(damaged)) << name << " at " << at;
        }
        for (std::size_t size = 0; size < clean->size(); ++size)
            EXPECT_FALSE(rebuild_icc(BytesView(*clean).first(size)).has_value())
                << name << " cut to " << size;
    }
}

TEST(ColourProfile, is_rebuilt_in_every_format_that_keeps_it) {
    for (const char* name : {"camera.jpg", "camera.png", "camera.webp", "cmyk.jpg", "profile-grey.jpg",
                             "profile-many-parts.jpg", "profile.avif", "profile-padded.jpg"}) {
        const Bytes file = picture(name);
        const auto out = strip(file, inspected(file));
        ASSERT_TRUE(out.has_value()) << name;
        EXPECT_TRUE(inspected(*out).has_icc) << name;
        EXPECT_FALSE(is_private(*out)) << name;
        EXPECT_THAT(metadata_remaining(*out), ::testing::IsEmpty()) << name;
    }
}

TEST(Tables, that_no_scan_uses_are_removed_and_reported) {
    const Bytes plain = picture("baseline.jpg");
    const std::string_view table = "\xFF\xDB\0\x43\3"sv;  // a fourth table that no component names
    const std::string owner = "CANARY lives here " + std::string(46, 'x');
    const std::array<std::string, 5> hidden = {
        std::string(table) + owner, std::string("\xFF\xDB\0\x43\0"sv) + owner,
        std::string("\xFF\xCC\0\x04\x10\x05"sv),
        std::string("\xFF\xC4\0\x19\x03\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0"sv) + "CANARY",
        std::string("\xFF\xDD\0\4\0\0"sv)};
    for (const std::string& segment : hidden) {
        Bytes file = plain;
        const std::size_t place = as_text(file).find("\xFF\xDB");
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(place), segment.begin(), segment.end());
        if (segment[1] != '\xDD') {
            EXPECT_THAT(metadata_remaining(file), ::testing::Contains("tables"));
        }
        const auto out = strip(file, inspected(file));
        ASSERT_TRUE(out.has_value());
        EXPECT_EQ(*out, plain);
    }
}

TEST(Tables, that_do_not_end_with_their_segment_are_refused) {
    for (const std::string_view segment : {"\xFF\xDB\0\4\0x"sv, "\xFF\xC4\0\4\0x"sv, "\xFF\xCC\0\5\0\x10x"sv,
                                           "\xFF\xCC\0\4\0\x01"sv, "\xFF\xDD\0\5\0\0x"sv}) {
        Bytes file = picture("baseline.jpg");
        const std::size_t place = as_text(file).find("\xFF\xDB");
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(place), segment.begin(), segment.end());
        EXPECT_THAT(metadata_remaining(file), ::testing::Contains("unreadable"));
        EXPECT_FALSE(strip(file, inspected(file)).has_value());
    }
}

TEST(Tables, that_a_scan_uses_stay_between_scans) {
    for (const char* name : {"progressive.jpg", "progressive-restarts.jpg", "separate.jpg",
                             "baseline-restarts.jpg", "cmyk-baseline.jpg", "grey-progressive.jpg"}) {
        const Bytes file = picture(name);
        const auto out = strip(file, inspected(file));
        ASSERT_TRUE(out.has_value()) << name;
        EXPECT_THAT(metadata_remaining(*out), ::testing::IsEmpty()) << name;
        const auto twice = strip(*out, inspected(*out));
        EXPECT_EQ(*twice, *out) << name;
    }
}

TEST(PngPalette, that_draws_nothing_is_removed) {
    const Bytes file = picture("suggested-palette.png");
    EXPECT_THAT(metadata_remaining(file), ::testing::Contains("chunk:PLTE"));
    const auto out = strip(file, inspected(file));
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(*out, picture("plain.png"));
}

}  // namespace
}  // namespace photogate::imaging
