// The job that makes the variants that lack: what it attempts, announces, tries again, and leaves out.
#include "delivery/make_variants.hpp"

#include <gtest/gtest.h>

#include "model/object_layout.hpp"
#include "tests/support/fake_records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/unowned.hpp"

namespace photogate::delivery {
namespace {

namespace jobs = pipeline::jobs;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;
using storage::records::VersionName;

class FakeVariants final : public storage::records::VariantStore {
  public:
    Result<std::map<VersionName, model::PublishedImage>> find_all(
        const std::vector<VersionName>& names) override {
        std::map<VersionName, model::PublishedImage> found;
        for (const auto& name : names)
            if (there) found.emplace(name, model::PublishedImage{});
        return found;
    }
    bool there = false;
    Result<model::Upload> order(const std::optional<AppName>&, const UploadId&) override {
        return fail(ErrorCode::upload_not_found, "none");
    }
    Result<> announce(const model::Lease&, const std::vector<model::Variant>& variants, Made made) override {
        ended = made;
        for (const auto& variant : variants)
            announced.push_back(variant.name);
        ++calls;
        if (lost) return fail(ErrorCode::lease_lost, "another has it");
        return {};
    }
    std::vector<std::string> announced;
    std::optional<Made> ended;
    int calls = 0;
    bool lost = false;
};

class MakeVariantsTest : public testing::Test {
  protected:
    MakeVariantsTest() {
        auto& app = apps[AppName::trusted("shop")];
        auto& profile = app.profiles[ProfileName::trusted("photos")];
        profile.delivery.variants["page"].width = 1'280;
        profile.delivery.variants["same"].width = 1'280;
        profile.delivery.variants["thumb"].width = 320;
        profile.delivery.variants["whole"].width = 9'000;
        storage::records::NewUpload item;
        item.upload.id = make_upload_id(clock.now(), random);
        item.upload.public_id = make_public_id(random);
        item.upload.app = AppName::trusted("shop");
        item.upload.profile = ProfileName::trusted("photos");
        item.upload.region = "default";
        const auto id = item.upload.id;
        records.create(std::move(item), [](auto outcome) { EXPECT_TRUE(outcome); });
        records.change(id, [&](model::Upload& changed) {
            changed.state = model::UploadState::published;
            model::PublishedImage image;
            image.key = model::published_key(changed.public_id, std::string(64, 'a'), "jpg");
            image.format = "jpeg";
            image.width = 2'000;
            image.height = 1'000;
            changed.image = image;
            changed.finished_at = clock.now();
        });
        job.kind = model::JobKind::make_variants;
        job.upload = records.find(std::nullopt, id).value();
    }
    pipeline::Stores make_stores() {
        model::StoreRegion region;
        region.signer = {"SIGNERKEY", Secret{"signer-secret"}, std::nullopt};
        std::map<std::string, pipeline::Store> all;
        all.emplace("default", pipeline::Store{region, signer::Signer(region.signer, region.signing_region),
                                               std::make_unique<test::FakeStore>()});
        return pipeline::Stores{std::move(all)};
    }
    VersionRenderer::Attempt attempt(const VersionOrder& order) {
        attempted.push_back(order.spec.max_edge);
        if (const auto outcome = outcomes.find(order.spec.max_edge); outcome != outcomes.end())
            return outcome->second;
        StoredVersion stored;
        stored.image.width = order.spec.max_edge;
        return stored;
    }
    jobs::JobOutcome run() { return handler.run(job, stop); }

    ManualClock clock{*parse_rfc3339("2026-11-20T12:34:56Z")};
    SeededRandom random{1};
    test::FakeRecords records{clock};
    pipeline::Stores stores = make_stores();
    PublishedImages images{records, stores};
    model::Apps apps;
    const model::LiveApps live_apps{test::unowned(apps)};
    FakeVariants variants;
    model::Job job;
    pipeline::StopSignal stop;
    std::map<std::uint32_t, VersionRenderer::Attempt> outcomes;
    std::vector<std::uint32_t> attempted;
    MakeVariants handler{
        {variants, images, live_apps, [this](const VersionOrder& order, auto) { return attempt(order); }}};
};

TEST_F(MakeVariantsTest, makes_each_that_differs_once_and_announces_all) {
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(attempted, (std::vector<std::uint32_t>{1'280, 320}));
    EXPECT_EQ(variants.announced, (std::vector<std::string>{"page", "same", "thumb", "whole"}));
}

TEST_F(MakeVariantsTest, tries_again_what_failed_and_leaves_it_out_after_some_attempts) {
    outcomes[320] = Error{ErrorCode::unavailable, "not now", {}, std::chrono::seconds{7}};
    const auto first = run();
    ASSERT_TRUE(std::holds_alternative<jobs::Retry>(first));
    EXPECT_EQ(std::get<jobs::Retry>(first).cost, model::Postponement::Cost::attempt);
    EXPECT_EQ(std::get<jobs::Retry>(first).why.retry_after, std::chrono::seconds{7});
    EXPECT_EQ(variants.calls, 0);
    job.attempt = 5;
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(variants.announced, (std::vector<std::string>{"page", "same", "whole"}));
}

TEST_F(MakeVariantsTest, of_a_backfill_are_those_that_it_names_and_announced_with_what_is_there) {
    const auto& policy = apps.begin()->second.profiles.begin()->second.delivery;
    job.slot = "bkf_1";
    job.payload = *recipe_of(policy, "thumb") + " thumb";
    variants.there = true;
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(attempted, (std::vector<std::uint32_t>{320}));
    EXPECT_EQ(variants.announced, (std::vector<std::string>{"page", "same", "thumb", "whole"}));
    EXPECT_EQ(variants.ended, storage::records::VariantStore::Made::all);
    job.payload = *recipe_of(policy, std::nullopt) + " ";
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(attempted.size(), 3U);
}

TEST_F(MakeVariantsTest, of_a_backfill_that_can_not_all_be_made_are_told_as_some) {
    job.slot = "bkf_1";
    job.payload = *recipe_of(apps.begin()->second.profiles.begin()->second.delivery, std::nullopt) + " ";
    job.attempt = 5;
    outcomes[320] = Error{ErrorCode::unavailable, "not now", {}, std::nullopt};
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(variants.ended, storage::records::VariantStore::Made::some);
}

TEST_F(MakeVariantsTest, of_a_backfill_of_another_recipe_are_left_to_gateways_that_have_it) {
    auto& policy = apps.begin()->second.profiles.begin()->second.delivery;
    job.slot = "bkf_1";
    job.payload = *recipe_of(policy, std::nullopt) + " ";
    policy.variants["thumb"].quality = 50;
    EXPECT_NE(job.payload, *recipe_of(policy, std::nullopt) + " ");
    const auto outcome = run();
    ASSERT_TRUE(std::holds_alternative<jobs::Retry>(outcome));
    EXPECT_EQ(std::get<jobs::Retry>(outcome).cost, model::Postponement::Cost::free);
    EXPECT_TRUE(attempted.empty());
    EXPECT_EQ(recipe_of(policy, "poster"), std::nullopt);
}

TEST_F(MakeVariantsTest, waits_where_another_gateway_makes_one) {
    outcomes[320] = VersionElsewhere{std::chrono::milliseconds{2'500}};
    const auto outcome = run();
    ASSERT_TRUE(std::holds_alternative<jobs::Retry>(outcome));
    EXPECT_EQ(std::get<jobs::Retry>(outcome).why.retry_after, std::chrono::seconds{3});
}

TEST_F(MakeVariantsTest, of_what_is_deleted_or_has_none_ends_without_a_word) {
    outcomes[1'280] = Error{ErrorCode::gone, "deleted", {}, std::nullopt};
    EXPECT_TRUE(std::holds_alternative<jobs::Finished>(run()));
    apps.begin()->second.profiles.begin()->second.delivery.variants.clear();
    EXPECT_TRUE(std::holds_alternative<jobs::Finished>(run()));
    job.upload.state = model::UploadState::deleted;
    EXPECT_TRUE(std::holds_alternative<jobs::Finished>(run()));
    EXPECT_EQ(variants.calls, 0);
}

TEST_F(MakeVariantsTest, gives_the_job_back_when_the_worker_stops) {
    stop.stop();
    EXPECT_TRUE(std::holds_alternative<jobs::Retry>(run()));
    EXPECT_TRUE(attempted.empty());
}

TEST_F(MakeVariantsTest, whose_lease_was_lost_writes_nothing_more) {
    variants.lost = true;
    EXPECT_TRUE(std::holds_alternative<jobs::Unrecorded>(run()));
}

}  // namespace
}  // namespace photogate::delivery
