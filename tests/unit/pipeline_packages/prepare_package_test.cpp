// The job that makes what a package lacks: what it asks for, records, tries again and gives up, and when it lays out the archive.
#include "pipeline/packages/prepare_package.hpp"

#include <map>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/unowned.hpp"

namespace photogate::pipeline::packages {
namespace {

using model::OnMissing;
using storage::packages::FoundItem;
using storage::packages::FoundObject;
using storage::packages::FoundUpload;
using storage::packages::PackagePlanner;
using storage::packages::Preparation;
using storage::packages::PreparedItem;
using storage::packages::UnpreparedItem;

constexpr auto kStart = Timestamp{std::chrono::seconds{1'800'000'000}};

struct Row {
    FoundItem item;
    bool prepared = false;
    std::uint32_t attempts = 0;
};

/// One package, in memory.
class FakePreparations final : public storage::packages::PackagePreparations {
  public:
    Result<std::optional<Preparation>> find(const PackageId&) override {
        if (!wanted) return std::optional<Preparation>{};
        return preparation;
    }
    Result<std::vector<UnpreparedItem>> unprepared(const model::Package&, std::int64_t behind,
                                                   std::size_t limit) override {
        const std::lock_guard lock{mutex};
        std::vector<UnpreparedItem> items;
        for (auto& [place, row] : rows)
            if (place > behind && !row.prepared && items.size() < limit)
                items.push_back({place, row.attempts, row.item.upload});
        return items;
    }
    Result<bool> record(const model::Lease&, const PackageId&, std::span<const PreparedItem> items) override {
        const std::lock_guard lock{mutex};
        if (lost) return photogate::fail(ErrorCode::lease_lost, "another has it");
        for (const auto& item : items) {
            auto& row = rows.at(item.place);
            row.prepared = item.is != PreparedItem::Is::attempted;
            row.attempts += row.prepared ? 0 : 1;
            row.item.absent = item.code;
        }
        return wanted;
    }
    Result<std::optional<model::Package>> plan(const model::Lease&, const Preparation& of,
                                               PackagePlanner& planner) override {
        ++plans;
        if (gone_before_plan) return photogate::fail(ErrorCode::gone, "not wanted");
        planner.begin();
        std::vector<FoundItem> found;
        for (auto& [place, row] : rows) {
            found.push_back(row.item);
            if (made.contains(place)) found.back().upload->version = found.back().upload->image;
        }
        const auto items = planner.add(found);
        if (!items) return photogate::fail(items.error());
        if (planner.unmade() > 0) return std::optional<model::Package>{};
        if (auto rest = planner.finish(); !rest) return photogate::fail(rest.error());
        auto package = of.package;
        package.items = planner.totals().items;
        package.missing = planner.totals().missing;
        planned = package;
        return planned;
    }
    Result<> fail(const model::Lease&, const PackageId&, std::string_view why) override {
        failure = why;
        return {};
    }
    Result<> end(const model::Lease&, const PackageId&) override {
        ++ends;
        return {};
    }

    Preparation preparation;
    bool wanted = true;
    bool lost = false;
    bool gone_before_plan = false;
    std::mutex mutex;
    std::map<std::int64_t, Row> rows;
    std::set<std::int64_t> made;
    int plans = 0;
    int ends = 0;
    std::optional<model::Package> planned;
    std::string failure;
};

class PreparePackageTest : public testing::Test {
  protected:
    PreparePackageTest() {
        auto& app = apps[AppName::trusted("shop")];
        app.profiles[ProfileName::trusted("photos")].delivery.variants["small"].width = 100;
        auto& package = preparations.preparation.package;
        package.id = PackageId::trusted("pkg_1");
        package.app = AppName::trusted("shop");
        package.state = model::PackageState::preparing;
        package.created_at = kStart;
        preparations.preparation.recipe =
            to_recipe({{PackageContent::Of::variant, "small"}, std::nullopt, std::nullopt});
        job.subject = {"package", "pkg_1"};
        for (int place = 0; place < 12; ++place) {
            FoundUpload upload;
            upload.id = UploadId::trusted("upl_" + std::to_string(place));
            upload.profile = ProfileName::trusted("photos");
            upload.state = model::UploadState::published;
            upload.filename = std::to_string(place) + ".jpg";
            upload.image = FoundObject{"default",
                                       Bucket::trusted("public"),
                                       ObjectKey::trusted("p"),
                                       ETag::trusted("e"),
                                       1'000,
                                       7,
                                       "jpeg",
                                       2'000,
                                       1'000};
            preparations.rows[place] = {{{upload.id.str(), std::nullopt}, upload}};
        }
    }
    jobs::JobOutcome run() {
        PrepareOptions options;
        options.items_at_once = 3;
        PreparePackage handler{{preparations,
                                catalog,
                                [](const auto&, const auto&, const auto&) {
                                    return Result<std::optional<imaging::VersionSpec>>{
                                        imaging::VersionSpec{}};
                                },
                                [this](const VersionWanted& wanted) { return make(wanted); },
                                {},
                                clock,
                                [this](Preparing what, std::size_t times) { told[what] += times; },
                                options}};
        return handler.run(job, stop);
    }
    std::optional<NotMade> make(const VersionWanted& wanted) {
        const std::lock_guard lock{preparations.mutex};
        const auto place = std::stoll(wanted.upload.id.str().substr(4));
        ++asked[place];
        if (const auto found = lacking.find(place); found != lacking.end()) return found->second;
        preparations.made.insert(place);
        return std::nullopt;
    }
    void expect_retry(const jobs::JobOutcome& outcome, ErrorCode code) {
        const auto* retry = std::get_if<jobs::Retry>(&outcome);
        ASSERT_NE(retry, nullptr);
        EXPECT_EQ(retry->why.code, code);
        EXPECT_EQ(retry->cost, model::Postponement::Cost::free);
    }

    FakePreparations preparations;
    model::Apps apps;
    const model::LiveApps live_apps{photogate::test::unowned(apps)};
    Stores stores{{}};
    Catalog catalog{live_apps, stores};
    ManualClock clock{kStart};
    StopSignal stop;
    model::Job job;
    std::map<std::int64_t, NotMade> lacking;
    std::map<std::int64_t, int> asked;
    std::map<Preparing, std::size_t> told;
};

NotMade not_made(ErrorCode code, NotMade::Again again, std::optional<std::chrono::seconds> after = {}) {
    return {Error{code, "no", {}, after}, again};
}

TEST_F(PreparePackageTest, makes_what_lacks_and_lays_the_archive_out) {
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    ASSERT_TRUE(preparations.planned);
    EXPECT_EQ(preparations.planned->items, 12U);
    EXPECT_EQ(asked.size(), 12U);
    for (const auto& [place, times] : asked)
        EXPECT_EQ(times, 1) << place;
    EXPECT_EQ(told[Preparing::item_there], 12U);
    EXPECT_EQ(told[Preparing::package_planned], 1U);
}

TEST_F(PreparePackageTest, goes_on_with_what_is_not_recorded_yet) {
    for (int place = 0; place < 9; ++place) {
        preparations.rows[place].prepared = true;
        preparations.made.insert(place);
    }
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(asked.size(), 3U);
}

TEST_F(PreparePackageTest, makes_nothing_for_a_package_that_is_not_wanted_and_ends_it) {
    preparations.wanted = false;
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(preparations.ends, 1);
    EXPECT_TRUE(asked.empty());
}

TEST_F(PreparePackageTest, comes_back_for_what_could_not_be_made_now) {
    lacking.emplace(4, not_made(ErrorCode::unavailable, NotMade::Again::later, std::chrono::seconds{7}));
    const auto outcome = run();
    expect_retry(outcome, ErrorCode::unavailable);
    EXPECT_EQ(std::get<jobs::Retry>(outcome).after, std::chrono::seconds{7});
    EXPECT_EQ(asked.size(), 12U) << "the others are made meanwhile";
    EXPECT_EQ(preparations.plans, 0);
    lacking.clear();
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(preparations.planned->items, 12U);
}

TEST_F(PreparePackageTest, stops_asking_while_the_imagers_are_busy) {
    for (int place = 0; place < 12; ++place)
        lacking.emplace(place, not_made(ErrorCode::overloaded, NotMade::Again::later));
    expect_retry(run(), ErrorCode::overloaded);
    EXPECT_LE(asked.size(), 3U) << "one for each thread";
}

TEST_F(PreparePackageTest, fails_with_an_item_that_can_not_be_made) {
    lacking.emplace(4, not_made(ErrorCode::unavailable, NotMade::Again::never));
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(preparations.failure, "version_not_made");
    EXPECT_EQ(preparations.rows[4].item.absent, "version_not_made");
    EXPECT_EQ(told[Preparing::package_failed], 1U);
    EXPECT_EQ(preparations.plans, 0);
}

TEST_F(PreparePackageTest, leaves_out_an_item_that_can_not_be_made_where_the_app_says_so) {
    preparations.preparation.package.on_missing = OnMissing::list;
    lacking.emplace(4, not_made(ErrorCode::unavailable, NotMade::Again::never));
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    ASSERT_TRUE(preparations.planned);
    EXPECT_EQ(preparations.planned->items, 11U);
    EXPECT_EQ(preparations.planned->missing, 1U);
    EXPECT_EQ(told[Preparing::item_given_up], 1U);
}

TEST_F(PreparePackageTest, gives_up_an_item_of_doubtful_bytes_after_some_attempts) {
    preparations.preparation.package.on_missing = OnMissing::skip;
    lacking.emplace(4, not_made(ErrorCode::store_checksum_mismatch, NotMade::Again::doubtful));
    for (int attempt = 1; attempt < 5; ++attempt)
        expect_retry(run(), ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(preparations.rows[4].attempts, 4U);
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(asked[4], 5);
    EXPECT_EQ(preparations.planned->missing, 1U);
}

TEST_F(PreparePackageTest, looks_at_all_again_where_a_version_has_gone_before_the_plan) {
    for (auto& [place, row] : preparations.rows)
        row.prepared = true;
    expect_retry(run(), ErrorCode::state_conflict);
    EXPECT_FALSE(preparations.planned);
}

TEST_F(PreparePackageTest, ends_quietly_where_the_package_ended_before_the_plan) {
    preparations.gone_before_plan = true;
    expect_retry(run(), ErrorCode::gone);
    EXPECT_TRUE(preparations.failure.empty());
}

TEST_F(PreparePackageTest, records_nothing_further_once_its_lease_is_over) {
    preparations.lost = true;
    EXPECT_TRUE(std::holds_alternative<jobs::Unrecorded>(run()));
    EXPECT_EQ(preparations.plans, 0);
}

TEST_F(PreparePackageTest, leaves_an_app_that_it_does_not_know_to_other_gateways) {
    apps.clear();
    const auto outcome = run();
    ASSERT_TRUE(std::holds_alternative<jobs::Retry>(outcome));
    EXPECT_GE(std::get<jobs::Retry>(outcome).after, std::chrono::seconds{10});
}

TEST_F(PreparePackageTest, fails_a_package_that_takes_longer_than_a_day) {
    clock.advance(std::chrono::hours{25});
    EXPECT_TRUE(std::holds_alternative<jobs::Recorded>(run()));
    EXPECT_EQ(preparations.failure, "version_not_made");
    EXPECT_TRUE(asked.empty());
}

TEST_F(PreparePackageTest, stops_with_its_worker) {
    stop.stop();
    expect_retry(run(), ErrorCode::unavailable);
    EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace photogate::pipeline::packages
