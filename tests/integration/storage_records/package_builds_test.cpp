// Stored packages: their work, their progress, and the one callback about their end.
#include "storage/packages/package_builds.hpp"

#include <stdexcept>

#include "records_database.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace packages;
using namespace std::chrono_literals;
using Names = std::map<ObjectKey, std::string>;

/// Items of a hundred bytes each.
class Hundreds final : public PackagePlanner {
  public:
    void begin() override { totals_ = {}; }
    Result<PlannedItems> add(std::span<const FoundItem> found) override {
        PlannedItems items;
        for (const auto& item : found) {
            model::PackageItem entry;
            entry.position = static_cast<std::uint32_t>(totals_.items);
            entry.upload = item.upload->id;
            entry.name = std::to_string(totals_.items) + ".jpg";
            entry.archive_offset = 100 * totals_.items;
            entry.directory_offset = 5 * totals_.items;
            entry.size = 50;
            items.entries.push_back(entry);
            totals_.directory_offset = 100 * ++totals_.items;
            totals_.size = totals_.directory_offset + 50;
        }
        return items;
    }
    Result<PlannedItems> finish() override { return PlannedItems{}; }
    PackageTotals totals() const override { return totals_; }

  private:
    PackageTotals totals_;
};

class PackageBuildsTest : public RecordsTest {
  protected:
    PackageStore packages{*records->database};
    PackageBuilds builds{*records->database};
    std::vector<UploadId> uploads;

    PackageId queued(std::size_t items = 3) {
        NewPackage wanted;
        wanted.package.id = make_package_id(clock.now(), random);
        wanted.package.app = AppName::trusted("doorstep");
        wanted.package.name = "a.zip";
        wanted.package.mode = model::PackageMode::store;
        wanted.package.state = model::PackageState::queued;
        wanted.package.created_at = clock.now();
        wanted.package.expires_at = clock.now() + 1h;
        std::vector<AskedItem> asked;
        for (std::size_t i = 0; i < items; ++i) {
            const auto upload = received();
            EXPECT_TRUE(records->publications.publish(claim_process(upload.id).lease, a_publication(upload)));
            uploads.push_back(upload.id);
            asked.push_back({upload.id.str(), std::nullopt});
        }
        wanted.items = std::move(asked);
        Hundreds planner;
        const auto created = packages.create(wanted, planner);
        EXPECT_TRUE(created) << (created ? "" : created.error().detail);
        return wanted.package.id;
    }
    model::Lease claim(const PackageId& id) {
        ClaimRequest request;
        request.worker = "w";
        request.most = 100;
        request.lease = 60s;
        request.kinds = {model::JobKind{"build_package"}};
        const auto jobs = records->jobs.claim(request).value();
        for (const auto& job : jobs)
            if (job.subject.id == id.str()) return job.lease;
        throw std::runtime_error{"no job of the package"};
    }
    model::Lease begun(const PackageId& id) {
        const auto lease = claim(id);
        EXPECT_TRUE(builds.begin(lease, id, object_of(id)).value());
        return lease;
    }
    static PackageObject object_of(const PackageId& id) {
        return {"local", Bucket::trusted("kept"), ObjectKey::trusted("z/" + id.str() + ".zip")};
    }
    model::Package now(const PackageId& id) { return packages.find(std::nullopt, id).value(); }
    std::string told(const PackageId& id) {
        return database.value(
            "select coalesce(string_agg(type || ' ' || subject_kind || ' ' || sequence, ',' "
            "order by id), '') from callbacks where subject_id = '" +
            id.str() + "'");
    }
};

TEST_F(PackageBuildsTest, counts_the_items_that_so_many_bytes_make) {
    const auto id = queued();
    const auto lease = begun(id);
    const auto after = [&](ByteSize bytes) {
        EXPECT_TRUE(builds.progress(lease, id, {model::PackageStep::copying, bytes, 7}).value());
        return now(id);
    };
    EXPECT_EQ(after(0).built_items, 0U);
    EXPECT_EQ(after(99).built_items, 0U);
    EXPECT_EQ(after(250).built_items, 2U);
    EXPECT_EQ(after(300).built_items, 3U);
    const auto last = after(350);
    EXPECT_EQ(last.built_items, 3U);
    EXPECT_EQ(last.built_bytes, 350U);
    EXPECT_EQ(last.built_rate, 7U);
    EXPECT_EQ(last.step, model::PackageStep::copying);
}

TEST_F(PackageBuildsTest, tells_once_that_a_package_is_ready) {
    const auto id = queued();
    const auto lease = begun(id);
    EXPECT_EQ(told(id), "");
    EXPECT_TRUE(builds.finish(lease, id).value());
    EXPECT_EQ(told(id), "package.ready package 1");
    const auto ready = now(id);
    EXPECT_EQ(ready.state, model::PackageState::ready);
    EXPECT_EQ(ready.built_items, 3U);
    EXPECT_EQ(builds.finish(lease, id).error().code, ErrorCode::lease_lost);
    const auto found = records->outbox.list({.app = AppName::trusted("doorstep"), .package = id}).value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].callback.package, id);
    EXPECT_EQ(found[0].callback.type, model::CallbackType::package_ready);
}

TEST_F(PackageBuildsTest, keeps_and_tells_which_items_failed) {
    const auto id = queued();
    const auto lease = begun(id);
    EXPECT_TRUE(
        builds.fail(lease, id, {ErrorCode::store_no_such_key, {{1, std::nullopt, "", "store_no_such_key"}}}));
    EXPECT_TRUE(builds.fail(lease, id, {ErrorCode::size_mismatch, {{2, std::nullopt, "", "size_mismatch"}}}))
        << "it has failed already";
    EXPECT_TRUE(builds.tell_failed(lease, id));
    EXPECT_EQ(told(id), "package.failed package 1");
    EXPECT_EQ(now(id).failure, "store_no_such_key");
    const auto failed = packages.failures(id, 10).value();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].position, 1U);
    EXPECT_EQ(failed[0].name, "1.jpg");
    EXPECT_EQ(failed[0].upload, uploads[1]);
}

TEST_F(PackageBuildsTest, tells_of_a_package_that_a_deletion_ended) {
    const auto id = queued();
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, uploads[0]));
    EXPECT_EQ(now(id).failure, "gone");
    EXPECT_EQ(told(id), "");
    const auto lease = claim(id);
    EXPECT_TRUE(builds.tell_failed(lease, id));
    EXPECT_TRUE(builds.tell_failed(lease, id));
    EXPECT_EQ(told(id), "package.failed package 1");
}

TEST_F(PackageBuildsTest, a_deletion_queues_the_removal_of_a_package_that_is_in_the_store) {
    const auto id = queued(), nowhere = queued();
    EXPECT_TRUE(builds.finish(begun(id), id).value());
    const auto jobs = [&](const PackageId& of) {
        return database.value("select count(*) from jobs where kind = 'build_package' and subject_id = '" +
                              of.str() + "'");
    };
    ASSERT_TRUE(now(id).object);
    EXPECT_EQ(now(id).object->key.str(), object_of(id).key.str());
    EXPECT_FALSE(now(nowhere).object);
    EXPECT_EQ(jobs(id), "0");
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, uploads[0]));
    EXPECT_EQ(jobs(id), "1");
    EXPECT_EQ(now(id).failure, "gone");
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, uploads[3]));
    EXPECT_EQ(jobs(nowhere), "1") << "the one that was to build it";
}

TEST_F(PackageBuildsTest, forgets_the_name_of_a_failed_item_whose_upload_is_deleted) {
    const auto id = queued();
    EXPECT_TRUE(builds.fail(begun(id), id,
                            {ErrorCode::store_no_such_key, {{0, std::nullopt, "", "store_no_such_key"}}}));
    database.run(
        "update callbacks set state = 'delivered', next_attempt_at = null, finished_at = now() where "
        "subject_id = '" +
        id.str() + "'");
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, uploads[0]));
    EXPECT_EQ(packages.failures(id, 10).value().at(0).name, "");
    EXPECT_EQ(database.value("select body from callbacks where subject_id = '" + id.str() + "'"), "");
}

TEST_F(PackageBuildsTest, knows_which_objects_rows_name) {
    const auto id = queued(), other = queued();
    const auto lease = begun(id);
    EXPECT_TRUE(builds.multipart_begun(lease, id, "m1").value());
    const auto key = object_of(id).key;
    const std::vector<ObjectKey> keys{key, object_of(other).key, ObjectKey::trusted("o/none")};
    EXPECT_EQ(builds.named_among(Bucket::trusted("kept"), keys).value(), (Names{{key, "m1"}}));
    EXPECT_EQ(builds.named_among(Bucket::trusted("another"), keys).value(), Names{});
    EXPECT_TRUE(builds.finish(lease, id).value());
    EXPECT_EQ(builds.named_among(Bucket::trusted("kept"), keys).value(), (Names{{key, ""}}));
}

TEST_F(PackageBuildsTest, finds_many_at_once) {
    const auto first = queued(1), second = queued(1);
    EXPECT_TRUE(builds.finish(begun(first), first).value());
    const std::vector<PackageId> ids{first, second, PackageId::trusted("pkg_00000000000000000000000000")};
    EXPECT_EQ(packages.find_all(ids).value().size(), 2U);
    const auto ended = packages.ended_among(ids).value();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].id, first);
    EXPECT_TRUE(ended[0].has_jobs) << "its object is there";
}

}  // namespace
}  // namespace photogate::storage::records::test
