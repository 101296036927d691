#include <gtest/gtest.h>

#include "model/object_layout.hpp"
#include "model/policy/watermark_policy.hpp"
#include "pipeline/packages/package_planner.hpp"

namespace photogate::pipeline::packages {
namespace {

using model::OnMissing;
using storage::packages::FoundItem;
using storage::packages::FoundObject;
using storage::packages::FoundUpload;

FoundItem item(const std::string& number, std::optional<std::string> name = {}) {
    FoundUpload upload;
    upload.id = UploadId::trusted("upl_" + number);
    upload.profile = ProfileName::trusted("photos");
    upload.state = model::UploadState::published;
    upload.filename = number + ".heic";
    upload.image = FoundObject{"default",
                               Bucket::trusted("public"),
                               ObjectKey::trusted("p/" + number),
                               ETag::trusted("e" + number),
                               1'000,
                               0xDEADBEEF,
                               "jpeg",
                               40,
                               30};
    return {{upload.id.str(), std::move(name)}, std::move(upload)};
}

FoundItem unknown() {
    return {{"upl_x", std::nullopt}, std::nullopt};
}

class PlannerTest : public testing::Test {
  protected:
    PlannerTest() {
        auto& photos = app.profiles[ProfileName::trusted("photos")];
        photos.delivery.variants["small"].width = 100;
    }
    Planner planner(Planner::Rules rules) { return Planner{std::move(rules), {app, stores, choose}}; }
    Planner planner(OnMissing on_missing = OnMissing::fail) {
        Planner::Rules rules;
        rules.on_missing = on_missing;
        return planner(std::move(rules));
    }

    model::App app;
    Stores stores{{}};
    VersionChooser choose = [](const auto& content, const auto&, const FoundUpload& upload) {
        using Chosen = Result<std::optional<imaging::VersionSpec>>;
        if (content.detail == "format=avif") return Chosen{fail(ErrorCode::invalid_query, "not offered")};
        if (upload.image->width <= 100) return Chosen{std::nullopt};
        imaging::VersionSpec spec;
        spec.max_edge = 100;
        return Chosen{spec};
    };
};

storage::packages::PlannedItems planned(Planner& of, const std::vector<FoundItem>& found) {
    of.begin();
    auto items = of.add(found);
    EXPECT_TRUE(items);
    EXPECT_TRUE(of.finish());
    return std::move(*items);
}

TEST_F(PlannerTest, lays_out_each_item_behind_the_one_before) {
    auto plan = planner();
    const auto items = planned(plan, {item("1"), item("2", "a/b.jpg")});
    ASSERT_EQ(items.entries.size(), 2U);
    const auto& [first, second] = std::tie(items.entries[0], items.entries[1]);
    EXPECT_EQ(first.name, "1.jpg");
    EXPECT_EQ(second.name, "a/b.jpg");
    EXPECT_EQ(first.position, 0U);
    EXPECT_EQ(second.position, 1U);
    EXPECT_EQ(first.archive_offset, 0U);
    EXPECT_GT(second.archive_offset, 1'000U);
    const auto totals = plan.totals();
    EXPECT_EQ(totals.items, 2U);
    EXPECT_EQ(totals.size, totals.directory_offset + totals.directory_size + 22);
    EXPECT_EQ(totals.etag.size(), 32U);
}

TEST_F(PlannerTest, begins_anew_where_its_transaction_is_repeated) {
    auto plan = planner();
    const auto once = planned(plan, {item("1"), item("1")});
    const auto totals = plan.totals();
    const auto again = planned(plan, {item("1"), item("1")});
    EXPECT_EQ(once.entries[1].name, "1 (2).jpg");
    EXPECT_EQ(again.entries[1].name, "1 (2).jpg");
    EXPECT_EQ(plan.totals().etag, totals.etag);
    EXPECT_EQ(plan.totals().size, totals.size);
}

TEST_F(PlannerTest, gives_another_tag_to_other_objects_and_other_names) {
    auto plan = planner();
    planned(plan, {item("1")});
    const auto tag = plan.totals().etag;
    auto changed = item("1");
    changed.upload->image->etag = ETag::trusted("other");
    planned(plan, {changed});
    EXPECT_NE(plan.totals().etag, tag);
    planned(plan, {item("1", "x.jpg")});
    EXPECT_NE(plan.totals().etag, tag);
}

TEST_F(PlannerTest, names_every_item_that_is_missing) {
    auto plan = planner();
    plan.begin();
    auto pending = item("2");
    pending.upload->state = model::UploadState::processing;
    pending.upload->image.reset();
    ASSERT_TRUE(plan.add(std::vector{item("1"), unknown(), pending}));
    const auto refused = plan.finish();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_fields);
    ASSERT_EQ(refused.error().fields.size(), 2U);
    EXPECT_EQ(refused.error().fields[0].pointer, "/items/1/upload");
    EXPECT_EQ(refused.error().fields[0].code, ErrorCode::upload_not_found);
    EXPECT_EQ(refused.error().fields[1].pointer, "/items/2/upload");
    EXPECT_EQ(refused.error().fields[1].code, ErrorCode::not_published);
}

TEST_F(PlannerTest, leaves_out_what_is_missing_where_the_app_says_so) {
    auto skipping = planner(OnMissing::skip);
    const auto without = planned(skipping, {unknown(), item("1")});
    EXPECT_EQ(without.entries.size(), 1U);
    EXPECT_TRUE(without.missing.empty());
    EXPECT_EQ(skipping.totals().missing, 1U);
    auto listing = planner(OnMissing::list);
    const auto with = planned(listing, {item("1"), unknown(), item("2")});
    EXPECT_EQ(with.entries.back().position, 1U) << "positions have no gaps";
    ASSERT_EQ(with.missing.size(), 1U);
    EXPECT_EQ(with.missing[0].place, 1U);
    EXPECT_EQ(with.missing[0].code, "upload_not_found");
    EXPECT_EQ(with.missing[0].name, "upl_x");
}

TEST_F(PlannerTest, packs_no_image_without_its_watermark_nor_one_whose_sum_is_not_known) {
    app.profiles.at(ProfileName::trusted("photos")).delivery.watermark.emplace();
    auto plan = planner(OnMissing::list);
    auto clean = item("1"), marked = item("2"), old = item("3");
    clean.upload->watermark = model::kKeptClean;
    marked.upload->watermark = "mark";
    old.upload->watermark = "mark";
    old.upload->image->crc32.reset();
    const auto items = planned(plan, {clean, marked, old, item("4")});
    ASSERT_EQ(items.entries.size(), 1U);
    EXPECT_EQ(items.entries[0].name, "2.jpg");
    ASSERT_EQ(items.missing.size(), 3U);
    EXPECT_EQ(items.missing[0].code, "version_not_made");
    EXPECT_EQ(items.missing[1].code, "checksum_unknown");
    EXPECT_EQ(items.missing[2].code, "version_not_made");
}

TEST_F(PlannerTest, packs_a_variant_that_is_made_or_is_the_image_itself) {
    Planner::Rules rules;
    rules.on_missing = OnMissing::list;
    rules.content = {PackageContent::Of::variant, "small"};
    auto plan = planner(rules);
    auto large = item("1"), unmade = item("2"), itself = item("3");
    large.upload->image->width = unmade.upload->image->width = 2'000;
    imaging::VersionSpec spec;
    spec.max_edge = 100;
    EXPECT_EQ(plan.version_of(*large.upload), spec.key());
    EXPECT_EQ(plan.version_of(*itself.upload), std::nullopt);
    large.upload->version = large.upload->image;
    large.upload->version->key = ObjectKey::trusted("v/1");
    const auto items = planned(plan, {large, itself});
    ASSERT_EQ(items.entries.size(), 2U);
    EXPECT_EQ(items.entries[0].key.str(), "v/1");
    EXPECT_EQ(items.entries[1].key.str(), "p/3");
    EXPECT_EQ(plan.unmade(), 0U);
    rules.content.detail = "none";
    auto none = planner(rules);
    EXPECT_EQ(planned(none, {itself}).missing.at(0).code, "variant_not_found");
}

TEST_F(PlannerTest, lays_out_nothing_where_a_version_has_to_be_made) {
    Planner::Rules rules;
    rules.content = {PackageContent::Of::version, "width=100"};
    auto plan = planner(rules);
    auto unmade = item("1"), itself = item("2");
    unmade.upload->image->width = 2'000;
    EXPECT_TRUE(planned(plan, {unmade, itself}).entries.empty());
    EXPECT_EQ(plan.unmade(), 1U);
    EXPECT_EQ(plan.totals().missing, 0U);
    using Is = storage::packages::Standing::Is;
    EXPECT_EQ(plan.standing(unmade).is, Is::unmade);
    EXPECT_EQ(plan.standing(itself).is, Is::there);
    EXPECT_EQ(plan.standing(unknown()).code, "upload_not_found");
    unmade.absent = "version_not_made";
    EXPECT_EQ(plan.standing(unmade).code, "version_not_made") << "it was given up";
    planned(plan, {itself});
    EXPECT_EQ(plan.unmade(), 0U) << "begin() forgets";
}

TEST_F(PlannerTest, names_what_a_profile_does_not_have) {
    Planner::Rules rules;
    rules.on_missing = OnMissing::list;
    rules.content = {PackageContent::Of::version, "format=avif"};
    auto formats = planner(rules);
    EXPECT_EQ(planned(formats, {item("1")}).missing.at(0).code, "format_not_offered");
    rules.content = {PackageContent::Of::version, "", PackageContent::Watermark::required};
    auto marks = planner(rules);
    EXPECT_EQ(planned(marks, {item("1")}).missing.at(0).code, "watermark_not_found");
    app.profiles.at(ProfileName::trusted("photos")).delivery.watermark.emplace();
    auto marked = item("1");
    marked.upload->watermark = "w";
    EXPECT_TRUE(planned(marks, {marked}).missing.empty());
    auto foreign = item("2");
    foreign.upload->profile = ProfileName::trusted("forgotten");
    EXPECT_EQ(planned(marks, {foreign}).missing.at(0).code, "unknown_profile");
}

TEST(PackageLookTest, is_read_as_it_was_kept) {
    const PackageLook look{
        {PackageContent::Of::version, "width=2048&quality=75", PackageContent::Watermark::required},
        "{album}/{filename}",
        packager::ManifestFormat::json};
    const auto again = look_of(to_recipe(look));
    EXPECT_EQ(again.content.of, look.content.of);
    EXPECT_EQ(again.content.detail, look.content.detail);
    EXPECT_EQ(again.content.watermark, look.content.watermark);
    EXPECT_EQ(again.path, look.path);
    EXPECT_EQ(again.manifest, look.manifest);
    const PackageLook variant{{PackageContent::Of::variant, "small"}, {}, packager::ManifestFormat::csv};
    EXPECT_EQ(look_of(to_recipe(variant)).content.of, PackageContent::Of::variant);
    EXPECT_EQ(look_of(to_recipe(variant)).manifest, packager::ManifestFormat::csv);
}

TEST_F(PlannerTest, packs_an_original_that_is_kept_and_lies_where_it_stays) {
    Planner::Rules rules;
    rules.on_missing = OnMissing::list;
    rules.content.of = PackageContent::Of::original;
    Stores with{[&] {
        std::map<std::string, Store> regions;
        model::StoreRegion region;
        regions.emplace("default",
                        Store{region, signer::Signer{region.signer, region.signing_region}, nullptr});
        return regions;
    }()};
    Planner plan{rules, {app, with, choose}};
    auto kept = item("1"), moving = item("2");
    for (auto* each : {&kept, &moving}) {
        each->upload->original = each->upload->image;
        each->upload->original->format = "image/heic";
    }
    moving.upload->original_is_moving = true;
    const auto items = planned(plan, {kept, moving, item("3")});
    ASSERT_EQ(items.entries.size(), 1U);
    EXPECT_EQ(items.entries[0].name, "1.heic");
    EXPECT_EQ(items.entries[0].bucket.str(), "photogate-originals");
    EXPECT_EQ(items.entries[0].key, model::original_key(kept.upload->id));
    ASSERT_EQ(items.missing.size(), 2U);
    EXPECT_EQ(items.missing[0].code, "object_not_found");
    EXPECT_EQ(items.missing[1].code, "object_not_found");
}

TEST_F(PlannerTest, refuses_more_items_or_bytes_than_a_package_may_have) {
    Planner::Rules rules;
    rules.limits.most_items = 2;
    auto few = planner(rules);
    few.begin();
    EXPECT_TRUE(few.add(std::vector{item("1"), item("2")}));
    EXPECT_EQ(few.add(std::vector{item("3")}).error().code, ErrorCode::package_too_large);
    rules.limits = {.most_bytes = 2'000};
    auto small = planner(rules);
    small.begin();
    EXPECT_EQ(small.add(std::vector{item("1"), item("2")}).error().code, ErrorCode::package_too_large);
}

}  // namespace
}  // namespace photogate::pipeline::packages
