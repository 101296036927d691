// A profile in JSON is held to the rules of the configuration's, and each wrong member is named.
#include "gateway/config/profile_settings.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/load.hpp"
#include "sample.hpp"

namespace photogate::gateway::config {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): this file's own samples
using ::testing::HasSubstr;

const auto kShop = AppName::trusted("shop");
const auto kThumbs = ProfileName::trusted("thumbs");

Result<model::Profile> read_text_of(const std::string& text) {
    const auto settings = json::read(text, kProfileBounds);
    if (!settings) return fail(settings.error());
    return read_profile(kShop, kThumbs, *settings);
}

/// `pointer: code: detail`, a line each.
std::string mistakes_in(const std::string& text) {
    const auto profile = read_text_of(text);
    if (profile) return "(none)";
    std::string all;
    for (const auto& field : profile.error().fields)
        all += field.pointer + ": " + std::string{to_string(field.code)} + ": " + field.detail + "\n";
    return all.empty() ? profile.error().detail : all;
}

TEST(ProfileSettings, without_any_is_the_standard_profile_of_the_configuration) {
    const auto loaded = load_text(kValid);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& standard = loaded->config.apps.at(kShop).profiles.at(ProfileName::trusted("doorstep"));
    const auto profile = read_text_of("{}");
    ASSERT_TRUE(profile) << profile.error().detail;
    EXPECT_EQ(profile->name, kThumbs);
    EXPECT_EQ(profile->state, model::Profile::State::active);
    EXPECT_EQ(profile->formats, standard.formats);
    EXPECT_EQ(profile->methods, standard.methods);
    EXPECT_EQ(profile->limits.max_bytes, standard.limits.max_bytes);
    EXPECT_EQ(profile->limits.max_metadata, standard.limits.max_metadata);
    EXPECT_EQ(profile->longest_expiry, standard.longest_expiry);
    EXPECT_EQ(profile->recipe.version.quality, standard.recipe.version.quality);
    EXPECT_EQ(profile->delivery.ladder, standard.delivery.ladder);
    EXPECT_EQ(profile->delivery.formats, standard.delivery.formats);
}

TEST(ProfileSettings, hooks_are_those_of_the_app) {
    EXPECT_THAT(mistakes_in(R"({"hooks": {"before_publish": "https://shop.example/"}})"),
                HasSubstr("/hooks: invalid_field: hooks are said in the configuration file"));
}

TEST(ProfileSettings, values_are_written_as_in_the_file) {
    const auto profile = read_text_of(R"({
        "formats": ["jpeg", "png"], "max_size": "10MiB", "max_pixels": 5000000, "default_expiry": "2m",
        "longest_expiry": 300, "private": true, "original": "keep", "version_sizes": [100, "200"], "gps": null,
        "variants": {"thumb": {"width": 320, "height": 320, "fit": "cover"}}})");
    ASSERT_TRUE(profile) << profile.error().detail;
    EXPECT_EQ(profile->formats, (std::vector{imaging::Format::jpeg, imaging::Format::png}));
    EXPECT_EQ(profile->limits.max_bytes, 10U << 20);
    EXPECT_EQ(profile->default_expiry, std::chrono::seconds{120});
    EXPECT_EQ(profile->longest_expiry, std::chrono::seconds{300});
    EXPECT_EQ(profile->original, model::OriginalAction::keep);
    EXPECT_EQ(profile->delivery.audience, model::DeliveryPolicy::Audience::link_holders);
    EXPECT_EQ(profile->delivery.ladder, (std::vector<std::uint32_t>{100, 200}));
    ASSERT_TRUE(profile->delivery.variants.contains("thumb"));
    EXPECT_EQ(profile->delivery.variants.at("thumb").width, 320U);
}

TEST(ProfileSettings, every_wrong_member_is_named) {
    EXPECT_EQ(mistakes_in(R"({"max_sise": 1, "formats": ["jpg2000"], "quality": 101, "private": "perhaps"})"),
              "/max_sise: unknown_member: unknown key 'max_sise', did you mean 'max_size'?\n"
              "/formats: invalid_field: formats has 'jpg2000': a format is jpeg, png, webp, gif, heic, avif "
              "or tiff\n"
              "/quality: invalid_field: quality is 101, but must be 1 to 100\n"
              "/private: invalid_field: private must be true or false, but is a text\n");
}

struct Wrong {
    const char* settings;
    const char* mistake;
};
class OneWrongMember : public ::testing::TestWithParam<Wrong> {};

TEST_P(OneWrongMember, is_refused_with_its_pointer) {
    const auto said = mistakes_in(GetParam().settings);
    EXPECT_THAT(said, HasSubstr(GetParam().mistake));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

INSTANTIATE_TEST_SUITE_P(
    ProfileSettings, OneWrongMember,
    ::testing::Values(
        Wrong{R"({"default_expiry": "3h"})",
              "/default_expiry: invalid_field: default_expiry is 3h, longer than"},
        Wrong{R"({"longest_expiry": "1m"})",
              "/default_expiry: invalid_field: default_expiry is 15m, longer than"},
        Wrong{R"({"longest_expiry": "8d"})",
              "/longest_expiry: invalid_field: longest_expiry is 8d, but must be"},
        Wrong{R"({"formats": []})", "/formats: invalid_field: formats names no format"},
        Wrong{R"({"formats": "jpeg"})", "/formats: invalid_field: formats must be a list of texts"},
        Wrong{R"({"max_size": 1.5})", "/max_size: invalid_field: max_size must be a size"},
        Wrong{R"({"max_size": {"a": 1}})", "/max_size: invalid_field: max_size is a value, not a table"},
        Wrong{R"({"version_sizes": [[1]]})", "/version_sizes: invalid_field: version_sizes must be a list"},
        Wrong{R"({"variants": 3})", "/variants: invalid_field: variants is a table, not a value"},
        Wrong{R"({"variants": {"Thumb": {}}})", "/variants/Thumb: invalid_field: 'Thumb' is no name"},
        Wrong{R"({"variants": {"thumb": {}}})", "/variants/thumb: invalid_field: variants.thumb has no size"},
        Wrong{R"({"variants": {"thumb": {"width": 0, "height": 9}}})",
              "/variants/thumb/width: invalid_field: variants.thumb.width is 0"},
        Wrong{R"({"variants": {"thumb": {"widht": 9, "height": 9}}})",
              "/variants/thumb/widht: unknown_member"},
        Wrong{R"({"callback_url": "https://a.example/"})",
              "/callback_url: unknown_member: unknown key 'callback_url'"},
        Wrong{R"({"bucket": "other"})", "/bucket: unknown_member: unknown key 'bucket'"},
        Wrong{R"({"region": "other"})", "/region: unknown_member: unknown key 'region'"},
        Wrong{R"({"a.b": 1})", "/a.b: unknown_member"}, Wrong{R"({"a/b": 1})", "/a~1b: unknown_member"},
        Wrong{R"({"watermark": {"image": "/etc/passwd"}})",
              "/watermark: invalid_field: 'watermark' names files of the server"},
        Wrong{R"({"watermark": {"text": "x", "font": "/etc/shadow"}})",
              "/watermark: invalid_field: 'watermark' names files"},
        Wrong{R"({"watermarks": {"one": {"image": "x.png"}}})",
              "/watermarks: invalid_field: 'watermarks' names files"}));

TEST(ProfileSettings, a_key_of_any_length_is_refused_in_a_few_words) {
    const auto said = mistakes_in("{\"" + std::string(9'000, 'k') + "\": 1}");
    EXPECT_THAT(said, HasSubstr("no key has 9000 bytes"));
    EXPECT_LT(said.size(), 200U);
    std::string many = "{";
    for (int i = 0; i < 400; ++i)
        many += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
    const auto profile = read_text_of(many + "}");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().fields.size(), 32U);
}

TEST(ProfileSettings, is_bounded) {
    EXPECT_FALSE(read_text_of("{\"form_redirect\": \"" + std::string(17'000, 'k') + "\"}"));
    EXPECT_FALSE(read_text_of(R"({"a": {"b": {"c": {"d": {"e": 1}}}}})"));
}

TEST(ProfileSettings, what_the_installation_can_not_keep_is_refused) {
    auto loaded = load_text(kValid);
    ASSERT_TRUE(loaded);
    auto& config = loaded->config;
    auto profile = read_text_of(R"({"private": true, "max_size": "100MiB"})").value();
    const auto code_and_pointer = [&] {
        const auto fits = check_place(profile, config, config.apps);
        std::string all;
        if (!fits)
            for (const auto& field : fits.error().fields)
                all += field.pointer;
        return all;
    };
    EXPECT_EQ(code_and_pointer(), "/private");
    config.apps.begin()->second.profiles.begin()->second.delivery.audience =
        model::DeliveryPolicy::Audience::link_holders;
    EXPECT_EQ(code_and_pointer(), "");
    config.store.folder = "/var/lib/photogate";
    config.store.max_object_size = 50U << 20;
    EXPECT_EQ(code_and_pointer(), "/max_size");
}

}  // namespace
}  // namespace photogate::gateway::config
