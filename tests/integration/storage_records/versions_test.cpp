// Versions in PostgreSQL: the contract, two gateways, and what becomes of the rows.
#include <stdexcept>
#include <thread>

#include "records_database.hpp"
#include "tests/support/versions_contract.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class PostgresVersions final : public RecordsTest, public photogate::test::VersionsWorld {
  public:
    void TestBody() override {}
    VersionStore& versions() override { return records->versions; }
    UploadId published() override { return in_state(model::UploadState::published).id; }
    void erase(const UploadId& upload) override {
        if (!records->uploads.cancel_or_delete(std::nullopt, upload)) throw std::runtime_error{"erase"};
    }
    void expire_leases() override {
        database.run(
            "update version_claims set lease_until = now() - interval '1 s' where lease_token is not null");
    }
    void all_due() override { database.run("update version_claims set retry_at = now()"); }
    void mark_removed(const Bucket& bucket, const ObjectKey& key) override {
        if (!records->upkeep.mark_deleting(bucket, {key}) ||
            !records->upkeep.unmark_deleting(bucket, {key}, {}))
            throw std::runtime_error{"mark"};
    }
};

class VersionRows : public RecordsTest {
  protected:
    NewVersion version() const {
        NewVersion made;
        made.image = {ObjectKey::trusted("v/x/y.webp"),
                      ETag::trusted("e"),
                      std::string(64, 'c'),
                      "webp",
                      4,
                      3,
                      9,
                      std::nullopt};
        made.bucket = Bucket::trusted("public");
        return made;
    }
    void store(const UploadId& upload) {
        const VersionName name{upload, "k"};
        const auto claim = records->versions.claim(name, 60s).value();
        ASSERT_TRUE(records->versions.finish(name, std::get<ClaimedVersion>(claim).token, version()));
    }
};

TEST_F(VersionRows, two_gateways_that_race_for_a_version_store_it_once) {
    const auto other = open();
    for (int round = 0; round < 20; ++round) {
        const VersionName name{in_state(model::UploadState::published).id, "k"};
        std::atomic<int> made{0};
        const auto run = [&](Records& gateway) {
            for (;;) {
                const auto claim = gateway.versions.claim(name, 60s).value();
                if (std::holds_alternative<StoredVersion>(claim)) return;
                if (const auto* ours = std::get_if<ClaimedVersion>(&claim)) {
                    auto mine = version();
                    mine.image.key = ObjectKey::trusted("v/" + name.upload.str() + "/" + ours->token);
                    ASSERT_TRUE(gateway.versions.finish(name, ours->token, mine));
                    ++made;
                }
            }
        };
        std::thread first([&] { run(*records); }), second([&] { run(*other); });
        first.join();
        second.join();
        EXPECT_EQ(made, 1);
    }
    EXPECT_EQ(database.value("select count(*) from images where role = 'version'"), "20");
    EXPECT_EQ(database.value("select count(*) from version_claims"), "0");
}

TEST_F(VersionRows, refer_to_their_object_until_its_removal_is_recorded) {
    const auto upload = in_state(model::UploadState::published);
    store(upload.id);
    const auto referred = [&] {
        return records->publications.references(version().bucket, {version().image.key})->size();
    };
    EXPECT_EQ(referred(), 1U);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(referred(), 1U);
    const auto jobs =
        records->jobs.claim({.worker = "w", .most = 10, .kinds = {model::JobKind::remove_published}});
    for (const auto& job : jobs.value()) {
        if (job.upload.id == upload.id) {
            ASSERT_TRUE(records->jobs.finish_cleanup(job.lease));
        }
    }
    EXPECT_EQ(referred(), 0U);
    EXPECT_TRUE(records->versions.being_removed(upload.id)->empty());
}

TEST_F(VersionRows, remember_roughly_when_they_were_used) {
    const auto upload = in_state(model::UploadState::published);
    store(upload.id);
    database.run("update images set used_at = now() - interval '30 min' where role = 'version'");
    const auto recent = [&] {
        return database.value("select used_at > now() - interval '5 min' from images where role = 'version'");
    };
    ASSERT_TRUE(records->versions.used({{upload.id, "k"}, {upload.id, "other"}}));
    EXPECT_EQ(recent(), "f");
    database.run("update images set used_at = now() - interval '2 hours' where role = 'version'");
    ASSERT_TRUE(records->versions.used({{upload.id, "k"}}));
    EXPECT_EQ(recent(), "t");
}

TEST_F(VersionRows, of_claims_that_nobody_comes_back_to_are_forgotten) {
    const auto upload = in_state(model::UploadState::published);
    for (const char* key : {"old", "new", "held"}) {
        const VersionName name{upload.id, key};
        const auto claim = std::get<ClaimedVersion>(records->versions.claim(name, 60s).value());
        if (std::string_view{key} == "held") continue;
        ASSERT_TRUE(records->versions.give_up(name, claim.token, {"x", 0ms}));
    }
    database.run(
        "update version_claims set retry_at = now() - interval '2 days' where spec_key in ('old', 'held')");
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select string_agg(spec_key, ' ' order by spec_key) from version_claims"),
              "held new");
}

}  // namespace
}  // namespace photogate::storage::records::test

namespace photogate::test {

INSTANTIATE_TEST_SUITE_P(InPostgres, VersionsContract, testing::Values(MakeVersionsWorld{[] {
                             return std::make_unique<storage::records::test::PostgresVersions>();
                         }}));

}  // namespace photogate::test
