// What a profile's variants are of one image, made ahead of its publication, and how their use is told.
#include "delivery/variants.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "delivery/variants_ahead.hpp"
#include "delivery/version_use.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/fake_versions.hpp"

namespace photogate::delivery {
namespace {

using imaging::Format;
using model::VariantRule;

constexpr SourceImage kLandscape{3'000, 2'000, Format::jpeg};

VariantRule rule(std::optional<std::uint32_t> width, std::optional<std::uint32_t> height = {},
                 VariantRule::Fit fit = VariantRule::Fit::inside) {
    VariantRule made;
    made.width = width;
    made.height = height;
    made.fit = fit;
    return made;
}

std::string key_of_url(std::vector<NamedValue> query) {
    const auto asked = read_parameters("", query);
    return choose_version(*asked, "", {}, kLandscape)->spec->key();
}

TEST(Variants, are_the_versions_that_a_url_with_the_same_parameters_asks_for) {
    const auto key = [](const VariantRule& each) { return choose_variant(each, {}, kLandscape)->key(); };
    EXPECT_EQ(key(rule(640)), key_of_url({{"width", "640"}}));
    auto thumb = rule(320, 180, VariantRule::Fit::cover);
    thumb.format = Format::webp;
    thumb.gravity = imaging::Gravity::attention;
    EXPECT_EQ(key(thumb), key_of_url({{"width", "320"},
                                      {"height", "180"},
                                      {"fit", "cover"},
                                      {"gravity", "attention"},
                                      {"format", "webp"}}));
}

TEST(Variants, have_the_sizes_qualities_and_formats_of_their_rule_whatever_urls_may_ask_for) {
    auto odd = rule(333);
    odd.quality = 71;
    odd.format = Format::gif;
    EXPECT_EQ(choose_variant(odd, {}, kLandscape)->key(), "2.reencode.333.inside.-.gif.71.-");
    EXPECT_EQ(choose_variant(rule({}, 500), {}, kLandscape)->max_edge, 750U);
}

TEST(Variants, of_an_image_that_is_smaller_are_the_image_itself) {
    EXPECT_FALSE(choose_variant(rule(4'000), {}, kLandscape));
    auto converted = rule(4'000);
    converted.format = Format::webp;
    EXPECT_EQ(choose_variant(converted, {}, kLandscape)->max_edge, 3'000U);
}

TEST(Variants, of_another_recipe_have_another_key) {
    auto better = rule(640);
    better.quality = 90;
    EXPECT_NE(choose_variant(better, {}, kLandscape)->key(),
              choose_variant(rule(640), {}, kLandscape)->key());
    model::DeliveryPolicy policy;
    policy.quality = 75;
    EXPECT_NE(choose_variant(rule(640), policy, kLandscape)->key(),
              choose_variant(rule(640), {}, kLandscape)->key());
}

class FakeImager final : public imaging::ImageProcessor {
  public:
    Result<imaging::Outcome> try_run(const imaging::Task& task, const imaging::Terms& terms) override {
        ++runs;
        last = task;
        lane = terms.lane;
        if (refuses) return imaging::Outcome{imaging::Rejection{}};
        imaging::Processed processed;
        for (const auto& version : task.versions) {
            const auto key = version.key();
            const auto bytes = as_bytes(key);
            processed.pictures.push_back({{bytes.begin(), bytes.end()}, Format::webp, version.max_edge, 1});
        }
        return imaging::Outcome{std::move(processed)};
    }
    bool refuses = false;
    int runs = 0;
    imaging::Task last;
    imaging::Lane lane = imaging::Lane::on_demand;
};

class VariantsAheadTest : public testing::Test {
  protected:
    VariantsAheadTest() {
        profile.delivery.variants["big"] = rule(4'000);
        profile.delivery.variants["page"] = rule(1'280);
        profile.delivery.variants["same"] = rule(1'280);
        profile.delivery.variants["thumb"] = rule(320);
        model::StoreRegion region;
        region.published = Bucket::trusted("public");
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        auto fake = std::make_unique<test::FakeStore>();
        objects = fake.get();
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::move(fake)});
        stores.emplace(std::move(all));
        SeededRandom random{1};
        upload.public_id = make_public_id(random);
        image.format = "jpeg";
        image.width = 3'000;
        image.height = 2'000;
    }
    model::MadeAhead make() {
        return ahead.make(
            {upload, profile, *stores->of("default"), image, exif, as_bytes("the image"), "party"});
    }
    std::vector<std::string> names(const model::MadeAhead& made) const {
        std::vector<std::string> all;
        for (const auto& variant : made.variants)
            all.push_back(variant.name);
        return all;
    }

    model::Profile profile;
    model::Upload upload;
    model::PublishedImage image;
    std::string exif;
    test::FakeStore* objects = nullptr;
    std::optional<pipeline::Stores> stores;
    FakeImager imager;
    VariantsAhead ahead{imager, std::chrono::milliseconds{4'000}};
};

TEST_F(VariantsAheadTest, makes_all_that_differ_in_one_task_and_puts_them) {
    const auto made = make();
    EXPECT_EQ(imager.runs, 1);
    EXPECT_EQ(imager.last.versions.size(), 2U);
    EXPECT_EQ(imager.last.limits.max_work, std::chrono::milliseconds{4'000});
    EXPECT_EQ(imager.lane, imaging::Lane::uploads);
    EXPECT_FALSE(imager.last.facts);
    EXPECT_EQ(made.rest, model::MadeAhead::Rest::none);
    EXPECT_EQ(made.versions.size(), 2U);
    EXPECT_EQ(names(made), (std::vector<std::string>{"big", "page", "same", "thumb"}));
    EXPECT_EQ(made.variants[0].image, image);
    EXPECT_EQ(made.variants[1].image, made.variants[2].image);
    for (const auto& version : made.versions)
        EXPECT_TRUE(objects->has(Bucket::trusted("public"), version.image.key));
    EXPECT_EQ(ahead.counts().made, 2U);
}

TEST_F(VariantsAheadTest, leaves_to_a_job_what_the_imager_refuses) {
    imager.refuses = true;
    const auto made = make();
    EXPECT_EQ(made.rest, model::MadeAhead::Rest::later);
    EXPECT_TRUE(made.versions.empty());
    EXPECT_EQ(names(made), std::vector<std::string>{"big"});
    EXPECT_EQ(ahead.counts().left, 2U);
}

TEST(VersionUse, is_told_in_bulk_once_for_each_version_and_is_bounded) {
    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    test::FakeVersions versions{clock};
    VersionUse use{versions, {.most = 2}};
    const auto upload = UploadId::trusted("upl_00000000000000000000000000");
    for (int n = 0; n < 1'000; ++n)
        use.note({upload, n % 2 == 0 ? "a" : "b"});
    use.note({upload, "c"});
    EXPECT_TRUE(versions.used_names().empty());
    EXPECT_EQ(use.counts().dropped, 1U);
    EXPECT_EQ(use.tell(), 2U);
    EXPECT_EQ(versions.used_names(), (std::set<storage::records::VersionName>{{upload, "a"}, {upload, "b"}}));
    EXPECT_EQ(use.counts().gathered, 0U);
    EXPECT_EQ(use.tell(), 0U);
}

}  // namespace
}  // namespace photogate::delivery
