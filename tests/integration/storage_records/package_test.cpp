// Packages: fixed in one transaction, read page by page, ended with what is in them.
#include "records_database.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace packages;
using namespace std::chrono_literals;

/// Each item is a byte and ten of a header.
class TenByTen final : public PackagePlanner {
  public:
    void begin() override {
        ++begun;
        totals_ = {};
    }
    Result<PlannedItems> add(std::span<const FoundItem> found) override {
        PlannedItems items;
        for (const auto& item : found) {
            seen.push_back(item);
            if (!item.upload || !item.upload->image) {
                items.missing.push_back({place_++, std::nullopt, item.asked.upload, "upload_not_found"});
                ++totals_.missing;
                continue;
            }
            model::PackageItem entry;
            entry.position = static_cast<std::uint32_t>(totals_.items);
            entry.upload = item.upload->id;
            entry.name = std::to_string(place_++) + ".jpg";
            entry.archive_offset = 10 * totals_.items;
            entry.directory_offset = 5 * totals_.items;
            entry.size = 1;
            entry.crc32 = *item.upload->image->crc32;
            entry.region = item.upload->image->region;
            entry.bucket = item.upload->image->bucket;
            entry.key = item.upload->image->key;
            entry.etag = item.upload->image->etag;
            items.entries.push_back(entry);
            totals_.size = 10 * ++totals_.items;
        }
        if (refusal) return fail(*refusal);
        return items;
    }
    Result<PlannedItems> finish() override { return PlannedItems{}; }
    PackageTotals totals() const override { return totals_; }

    std::vector<FoundItem> seen;
    std::optional<Error> refusal;
    int begun = 0;

  private:
    std::uint32_t place_ = 0;
    PackageTotals totals_;
};

class PackageTest : public RecordsTest {
  protected:
    PackageStore packages{*records->database};

    UploadId published(const std::string& app = "doorstep") {
        const auto upload = received(app);
        EXPECT_TRUE(records->publications.publish(claim_process(upload.id).lease, a_publication(upload)));
        return upload.id;
    }
    NewPackage wanted(std::vector<UploadId> ids, const std::string& app = "doorstep") {
        NewPackage package;
        package.package.id = make_package_id(clock.now(), random);
        package.package.app = AppName::trusted(app);
        package.package.name = "a.zip";
        package.package.created_at = clock.now();
        package.package.expires_at = clock.now() + 1h;
        std::vector<AskedItem> asked;
        for (const auto& id : ids)
            asked.push_back({id.str(), std::nullopt});
        package.items = std::move(asked);
        return package;
    }
    model::Package made(std::vector<UploadId> ids) {
        TenByTen planner;
        auto created = packages.create(wanted(std::move(ids)), planner);
        EXPECT_TRUE(created) << (created ? "" : created.error().detail);
        return created->package;
    }
    std::vector<std::uint32_t> positions(const PackageId& id, const PageStart& from,
                                         std::size_t limit = 100) {
        std::vector<std::uint32_t> found;
        const auto items = packages.page(id, from, limit).value();
        for (const auto& item : items)
            found.push_back(item.position);
        return found;
    }
};

TEST_F(PackageTest, keeps_what_was_planned_in_order) {
    const auto first = published(), second = published();
    TenByTen planner;
    const auto created = packages.create(wanted({second, first, second}), planner);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->how, Created::How::created);
    EXPECT_EQ(created->package.items, 3U);
    EXPECT_EQ(created->package.size, 30U);
    EXPECT_EQ(planner.begun, 1);
    const auto& seen = *planner.seen[0].upload;
    EXPECT_EQ(seen.id, second);
    EXPECT_EQ(seen.image->crc32, 0xDEADBEEF);
    EXPECT_EQ(seen.image->bucket.str(), "public");
    const auto items = packages.page(created->package.id, FromPosition{0}, 10).value();
    ASSERT_EQ(items.size(), 3U);
    EXPECT_EQ(items[0].upload, second);
    EXPECT_EQ(items[1].upload, first);
    EXPECT_EQ(items[1].crc32, 0xDEADBEEF);
    EXPECT_EQ(items[1].etag.str(), "out");
}

TEST_F(PackageTest, pages_begin_where_a_byte_lies) {
    const auto upload = published();
    const auto id = made({upload, upload, upload, upload}).id;
    using Positions = std::vector<std::uint32_t>;
    EXPECT_EQ(positions(id, FromArchiveByte{0}), (Positions{0, 1, 2, 3}));
    EXPECT_EQ(positions(id, FromArchiveByte{19}), (Positions{1, 2, 3}));
    EXPECT_EQ(positions(id, FromArchiveByte{20}, 1), (Positions{2}));
    EXPECT_EQ(positions(id, FromDirectoryByte{14}), (Positions{2, 3}));
    EXPECT_EQ(positions(id, FromDirectoryByte{0}, 2), (Positions{0, 1}));
    EXPECT_EQ(positions(id, FromPosition{3}), (Positions{3}));
    EXPECT_EQ(positions(id, FromPosition{4}), Positions{});
}

TEST_F(PackageTest, finds_a_thousand_and_more_in_bites) {
    const auto upload = published();
    TenByTen planner;
    const auto created = packages.create(wanted(std::vector<UploadId>(2'500, upload)), planner);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->package.items, 2'500U);
    EXPECT_EQ(database.value("select count(*) from package_items"), "2500");
}

TEST_F(PackageTest, knows_no_upload_of_another_app_and_none_that_is_not_there) {
    const auto theirs = published("other"), mine = published();
    TenByTen planner;
    const auto created = packages.create(wanted({theirs, mine, UploadId::trusted("nonsense")}), planner);
    ASSERT_TRUE(created);
    EXPECT_FALSE(planner.seen[0].upload);
    EXPECT_TRUE(planner.seen[1].upload);
    EXPECT_FALSE(planner.seen[2].upload);
    const auto missing = packages.missing(created->package.id, 10).value();
    ASSERT_EQ(missing.size(), 2U);
    EXPECT_EQ(missing[0].name, theirs.str());
    EXPECT_EQ(missing[1].place, 2U);
}

TEST_F(PackageTest, selects_what_is_published_oldest_first) {
    clock.advance(1h);
    const auto first = published();
    clock.advance(1h);
    const auto second = published();
    received();
    published("other");
    database.run("update uploads set metadata = '{\"album\": \"smith\"}' where id = '" + second.str() + "'");
    const auto chosen = [&](PackageSelection selection) {
        auto asked = wanted({});
        asked.items = std::move(selection);
        asked.metadata = NewPackage::Need::yes;
        TenByTen planner;
        EXPECT_TRUE(packages.create(asked, planner));
        std::vector<UploadId> ids;
        for (const auto& item : planner.seen)
            ids.push_back(item.upload->id);
        return ids;
    };
    using Ids = std::vector<UploadId>;
    EXPECT_EQ(chosen({}), (Ids{first, second}));
    EXPECT_EQ(chosen({.metadata = {{"album", "smith"}}}), Ids{second});
    EXPECT_EQ(chosen({.metadata = {{"album", "jones"}}}), Ids{});
    EXPECT_EQ(chosen({.profile = ProfileName::trusted("nothing")}), Ids{});
    EXPECT_EQ(chosen({.created_after = clock.now() - 30min}), Ids{second});
    EXPECT_EQ(chosen({.created_before = clock.now() - 30min}), Ids{first});
}

TEST_F(PackageTest, leaves_nothing_of_a_package_that_the_planner_refuses) {
    TenByTen planner;
    planner.refusal = Error{ErrorCode::package_too_large, "no", {}, std::nullopt};
    const auto refused = packages.create(wanted({published()}), planner);
    EXPECT_EQ(refused.error().code, ErrorCode::package_too_large);
    EXPECT_EQ(database.value("select count(*) from packages"), "0");
    EXPECT_EQ(database.value("select count(*) from package_items"), "0");
}

TEST_F(PackageTest, answers_the_same_key_with_the_same_package_for_a_day) {
    auto asked = wanted({published()});
    asked.idempotency = IdempotencyKey{"key", "sha"};
    TenByTen planner;
    const auto first = packages.create(asked, planner).value();
    asked.package.id = make_package_id(clock.now(), random);
    const auto again = packages.create(asked, planner).value();
    EXPECT_EQ(again.how, Created::How::replayed);
    EXPECT_EQ(again.package.id, first.package.id);
    asked.idempotency->request_sha256 = "other";
    EXPECT_EQ(packages.create(asked, planner).error().code, ErrorCode::idempotency_key_reused);
    clock.advance(25h);
    EXPECT_EQ(packages.create(asked, planner)->how, Created::How::created);
}

TEST_F(PackageTest, a_deleted_upload_ends_its_packages_and_leaves_no_name) {
    const auto kept = published(), gone = published();
    const auto with = made({kept, gone}), without = made({kept});
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, gone));
    const auto ended = packages.find(std::nullopt, with.id).value();
    EXPECT_EQ(ended.state, model::PackageState::failed);
    EXPECT_EQ(ended.failure, "gone");
    EXPECT_FALSE(packages.is_ready(with.id).value());
    EXPECT_TRUE(packages.is_ready(without.id).value());
    EXPECT_EQ(positions(with.id, FromPosition{0}), std::vector<std::uint32_t>{});
    EXPECT_EQ(database.value(
                  "select string_agg(name, ',' order by position) from package_items where package_id = '" +
                  with.id.str() + "'"),
              "0.jpg,");
}

TEST_F(PackageTest, belongs_to_its_app) {
    const auto package = made({});
    const auto other = AppName::trusted("other");
    EXPECT_EQ(packages.find(other, package.id).error().code, ErrorCode::package_not_found);
    EXPECT_EQ(packages.remove(other, package.id).error().code, ErrorCode::package_not_found);
    EXPECT_TRUE(packages.find(AppName::trusted("doorstep"), package.id));
    EXPECT_TRUE(packages.list({.app = other}).value().empty());
    EXPECT_EQ(packages.list({}).value().size(), 1U);
}

TEST_F(PackageTest, lists_the_newest_first_and_goes_on_behind_a_cursor) {
    std::vector<PackageId> ids;
    for (int i = 0; i < 3; ++i) {
        clock.advance(1s);
        ids.push_back(made({}).id);
    }
    const auto page = packages.list({.app = AppName::trusted("doorstep"), .limit = 2}).value();
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(page[0].id, ids[2]);
    EXPECT_EQ(packages.list({.before = page[1].id}).value().at(0).id, ids[0]);
}

TEST_F(PackageTest, a_deleted_package_is_over_at_once_and_stays_so) {
    const auto package = made({published()});
    const auto removed = packages.remove(std::nullopt, package.id).value();
    EXPECT_EQ(removed.state, model::PackageState::deleted);
    EXPECT_EQ(removed.expires_at, clock.now());
    EXPECT_FALSE(packages.is_ready(package.id).value());
    clock.advance(1min);
    EXPECT_EQ(packages.remove(std::nullopt, package.id)->finished_at, removed.finished_at);
}

TEST_F(PackageTest, is_forgotten_items_first_when_its_time_is_over) {
    const auto upload = published();
    const auto over = made({upload, upload}), kept = made({upload});
    database.run("update packages set expires_at = expires_at + interval '90 days' where id = '" +
                 kept.id.str() + "'");
    clock.advance(2h);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from package_items"), "1");
    EXPECT_TRUE(packages.find(std::nullopt, over.id));
    clock.advance(31 * 24h);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(packages.find(std::nullopt, over.id).error().code, ErrorCode::package_not_found);
    EXPECT_TRUE(packages.find(std::nullopt, kept.id));
}

}  // namespace
}  // namespace photogate::storage::records::test
