// Orphans of both buckets: which are removed, and which are never touched.
#include "pipeline/orphan_collector.hpp"

#include <map>
#include <thread>

#include "base/encoding.hpp"
#include "model/object_layout.hpp"
#include "on_real_stores.hpp"
#include "signer/digest.hpp"

namespace photogate::pipeline::test {
namespace {

using namespace std::chrono_literals;
using model::Publication;
using model::Upload;
using model::UploadState;
using storage::records::MaintenanceTally;

class OrphanCollectorTest : public OnRealStores {
  protected:
    static OrphanCollectorOptions options() {
        OrphanCollectorOptions options;
        options.requests_per_second = 10'000;
        return options;
    }

    OrphanCollectorDependencies services() {
        return {records->upkeep,
                records->arrivals,
                records->publications,
                stores,
                clock,
                [this](const Bucket&, const std::vector<ObjectKey>& keys) -> Result<NamedPackages> {
                    NamedPackages found;
                    for (const auto& key : keys) {
                        if (const auto at = named.find(key); at != named.end()) found.insert(*at);
                    }
                    return found;
                }};
    }

    /// Published, with its object, and settled.
    Upload publish(const std::string& bytes = "a clean picture") {
        const auto upload = create_here();
        EXPECT_TRUE(observe(seen(upload)).has_value());
        const auto job = claim_process(upload.id);
        const auto made = publication(job.upload, bytes);
        put(published, made.image.key, bytes);
        auto done = records->publications.publish(job.lease, made);
        if (!done) throw std::runtime_error{done.error().detail};
        database.run("delete from jobs where subject_id = '" + upload.id.str() + "'");
        return *done;
    }
    Publication publication(const Upload& upload, const std::string& bytes) {
        auto made = storage::records::test::a_publication(upload);
        made.bucket = published;
        made.image.sha256 = hex_lower(signer::sha256(bytes));
        made.image.key = ObjectKey::trusted("p/" + upload.public_id.str() + "/" +
                                            made.image.sha256.substr(0, 16) + ".jpg");
        // MinIO's checksum of a PUT in one piece; the S3 client's tests verify it.
        made.image.etag = ETag::trusted(put(published, made.image.key, bytes));
        return made;
    }
    /// As a worker leaves it that died between its PUT and its commit.
    ObjectKey orphan(const std::string& bytes = "nobody's picture") {
        const auto key = ObjectKey::trusted("p/" + make_public_id(random).str() + "/0123456789abcdef.jpg");
        put(published, key, bytes);
        return key;
    }
    MaintenanceTally sweep(RunMode mode = RunMode::apply) {
        findings.clear();
        return collector
            .sweep_now(mode, [&](const Swept& swept) { findings[swept.object.key.str()] = swept.finding; })
            .value();
    }
    void a_day_later() { clock.advance(25h); }

    NamedPackages named;  ///< by packages' rows
    std::map<std::string, SweepFinding> findings;
    OrphanCollector collector{options(), services()};
};

TEST_F(OrphanCollectorTest, removes_unreferenced_public_object_after_a_day) {
    const auto kept = publish();
    const auto key = orphan();
    EXPECT_EQ(sweep().removed, 0U) << "it may be a worker's that has yet to commit";
    EXPECT_TRUE(findings.empty());
    a_day_later();
    const auto tally = sweep();
    EXPECT_EQ(tally.removed, 1U);
    EXPECT_EQ(tally.seen, 2U);
    EXPECT_EQ(tally.unknown, 0U);
    EXPECT_EQ(keys(published), std::vector<std::string>{kept.image->key.str()});
    EXPECT_EQ(collector.counters().unreferenced, 1U);
    EXPECT_EQ(database.value("select last_removed from rounds where name = 'sweep-public/local'"), "1");
}

TEST_F(OrphanCollectorTest, removes_a_package_that_no_row_names_after_a_day) {
    const auto kept = model::package_key(make_package_id(clock.now(), random));
    const auto left = model::package_key(make_package_id(clock.now(), random));
    for (const auto& key : {kept, left})
        put(originals, key, "a zip");
    named.emplace(kept, "");
    EXPECT_EQ(sweep().removed, 0U) << "it is young";
    a_day_later();
    EXPECT_EQ(sweep(RunMode::dry_run).removed, 0U);
    EXPECT_EQ(findings, (std::map<std::string, SweepFinding>{{left.str(), SweepFinding::unreferenced}}));
    EXPECT_EQ(sweep().removed, 1U);
    EXPECT_EQ(keys(originals), std::vector<std::string>{kept.str()});
}

TEST_F(OrphanCollectorTest, reports_without_changes_in_dry_run) {
    const auto key = orphan();
    const auto upload = create_here();
    put(upload);
    a_day_later();
    EXPECT_EQ(sweep(RunMode::dry_run).removed, 0U);
    EXPECT_EQ(findings, (std::map<std::string, SweepFinding>{{key.str(), SweepFinding::unreferenced},
                                                             {upload.key.str(), SweepFinding::lost}}));
    EXPECT_TRUE(is_there(published, key));
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    EXPECT_EQ(database.value("select (select count(*) from rounds) + (select count(*) from sweeps)"), "0");
}

TEST_F(OrphanCollectorTest, spares_object_that_is_put_again_before_removal) {
    const auto key = orphan("old");
    a_day_later();
    watched->before_head = [&] { put(published, key, "new"); };
    EXPECT_EQ(sweep().removed, 0U);
    EXPECT_TRUE(is_there(published, key));
    EXPECT_EQ(database.value("select count(*) from sweeps"), "0");
}

TEST_F(OrphanCollectorTest, rejects_publication_of_object_being_deleted_until_it_is_put_again) {
    const auto upload = create_here();
    ASSERT_TRUE(observe(seen(upload)).has_value());
    const auto job = claim_process(upload.id);
    const std::string bytes = "a picture whose worker came back after a day";
    const auto made = publication(job.upload, bytes);
    a_day_later();
    std::optional<ErrorCode> meanwhile;
    watched->before_remove = [&] { meanwhile = records->publications.publish(job.lease, made).error().code; };
    EXPECT_EQ(sweep().removed, 1U);
    EXPECT_EQ(meanwhile, ErrorCode::state_conflict);
    EXPECT_EQ(records->publications.publish(job.lease, made).error().code, ErrorCode::state_conflict);
    put(published, made.image.key, bytes);
    EXPECT_EQ(records->publications.publish(job.lease, made).value().state, UploadState::published);
    EXPECT_EQ(sweep().removed, 0U);
    EXPECT_TRUE(is_there(published, made.image.key));
}

TEST_F(OrphanCollectorTest, keeps_object_that_was_published_first) {
    const auto upload = create_here();
    ASSERT_TRUE(observe(seen(upload)).has_value());
    const auto job = claim_process(upload.id);
    const auto made = publication(job.upload, "just in time");
    a_day_later();
    // Between the page's judgement and the opening of its sweeps.
    std::optional<UploadState> became;
    const auto tally = collector.sweep_now(RunMode::apply, [&](const Swept&) {
        if (!became) became = records->publications.publish(job.lease, made).value().state;
    });
    EXPECT_EQ(became, UploadState::published);
    EXPECT_EQ(tally.value().removed, 0U);
    EXPECT_TRUE(is_there(published, made.image.key));
}

TEST_F(OrphanCollectorTest, never_touches_names_that_photogate_does_not_make) {
    const std::vector<std::string> alien = {
        "p/../secret", "p/short/0123456789abcdef.jpg", "index.html",
        "p/" + make_public_id(random).str() + "/evil.html",
        "p/" + make_public_id(random).str() + "/0123456789abcdef.jpg/deeper"};
    std::size_t put_there = 0;
    for (const auto& name : alien) {
        const storage::http::MemorySource body{"<script>"};
        put_there += s3.put(published, ObjectKey::trusted(name), body, {}).has_value() ? 1 : 0;
    }
    ASSERT_GE(put_there, 4U);
    a_day_later();
    const auto tally = sweep();
    EXPECT_EQ(tally.unknown, put_there);
    EXPECT_EQ(tally.removed, 0U);
    EXPECT_EQ(keys(published).size(), put_there);
    EXPECT_EQ(database.value("select last_unknown from rounds where name = 'sweep-public/local'"),
              std::to_string(put_there));
}

TEST_F(OrphanCollectorTest, treats_objects_with_foreign_bytes_as_unknown) {
    const auto upload = publish("a clean picture");
    EXPECT_EQ(sweep().unknown, 0U);
    put(published, upload.image->key, "something else");
    EXPECT_EQ(sweep().unknown, 1U);
    EXPECT_TRUE(is_there(published, upload.image->key));
    put(published, upload.image->key, "a clean picture");
    database.run("update images set etag = 'as a store with encryption says'");
    EXPECT_EQ(sweep().unknown, 0U) << "the same bytes, under another ETag";
}

TEST_F(OrphanCollectorTest, treats_incoming_objects_by_the_state_of_their_upload) {
    using enum UploadState;
    std::map<UploadState, Upload> uploads;
    for (const auto state :
         {created, uploaded, processing, published, rejected, failed, expired, cancelled, deleted}) {
        auto upload = in_state(state);
        database.run("delete from jobs where kind <> 'process' and subject_id = '" + upload.id.str() + "'");
        upload.bucket = incoming;
        uploads.emplace(state, upload);
    }
    database.run("update uploads set bucket = '" + incoming.str() + "'");
    for (const auto& [state, upload] : uploads)
        put(upload);
    const auto stray = ObjectKey::trusted("u/202611200000/upl_00000000000000000000000000");
    const auto canary = ObjectKey::trusted("u/probe/abc/canary");
    put(incoming, stray, "?");
    put(incoming, canary, "canary");

    sweep();
    EXPECT_EQ(findings.at(uploads.at(created).key.str()), SweepFinding::lost);
    EXPECT_EQ(findings.at(uploads.at(expired).key.str()), SweepFinding::lost);
    EXPECT_EQ(findings.at(uploads.at(cancelled).key.str()), SweepFinding::unwanted);
    EXPECT_EQ(findings.at(uploads.at(deleted).key.str()), SweepFinding::unwanted);
    EXPECT_EQ(findings.size(), 4U) << "all else is younger than a day";
    EXPECT_EQ(state_of(uploads.at(created).id), uploaded);
    EXPECT_EQ(state_of(uploads.at(expired).id), uploaded);

    a_day_later();
    sweep();
    EXPECT_EQ(findings.at(uploads.at(published).key.str()), SweepFinding::left_behind);
    EXPECT_EQ(findings.at(uploads.at(rejected).key.str()), SweepFinding::left_behind);
    EXPECT_EQ(findings.at(stray.str()), SweepFinding::unknown);
    EXPECT_EQ(findings.at(canary.str()), SweepFinding::left_behind);
    EXPECT_EQ(findings.size(), 4U);
    EXPECT_TRUE(is_there(incoming, stray)) << "it may be all that is left of somebody's picture";
    EXPECT_TRUE(is_there(incoming, uploads.at(failed).key)) << "it is kept for a retry";
    EXPECT_FALSE(is_there(incoming, canary));
    for (const auto state : {published, rejected, cancelled, deleted}) {
        EXPECT_EQ(database.value("select kind || ' ' || detail from jobs where subject_id = '" +
                                 uploads.at(state).id.str() + "'"),
                  "settle_original remove")
            << to_string(state);
    }
}

TEST_F(OrphanCollectorTest, keeps_objects_older_than_the_database) {
    const auto key = orphan();
    database.run("update schema_migrations set applied_at = now() + interval '2 hours'");
    a_day_later();
    EXPECT_EQ(sweep().unknown, 1U);
    EXPECT_TRUE(is_there(published, key));
}

TEST_F(OrphanCollectorTest, limits_removals_in_case_the_database_is_the_wrong_one) {
    for (int i = 0; i < 110; ++i)
        orphan();
    a_day_later();
    const auto tally = sweep();
    EXPECT_EQ(tally.removed, 100U);
    EXPECT_EQ(tally.unknown, 10U);
    EXPECT_EQ(keys(published).size(), 10U);
}

TEST_F(OrphanCollectorTest, removes_each_orphan_once_with_two_sweepers) {
    for (int i = 0; i < 40; ++i)
        orphan();
    a_day_later();
    auto paged = options();
    paged.page = 7;
    std::atomic<std::size_t> removed{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            OrphanCollector one{paged, services()};
            const auto tally = one.sweep_now(RunMode::apply);
            if (tally) removed += tally->removed;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(removed, 40U);
    EXPECT_EQ(watched->removals, 40);
    EXPECT_TRUE(keys(published).empty());
}

TEST_F(OrphanCollectorTest, resumes_at_the_same_page_after_interruption) {
    for (int i = 0; i < 20; ++i)
        orphan();
    a_day_later();
    auto paged = options();
    paged.page = 5;
    {
        OrphanCollector first{paged, services()};
        watched->before_remove = [&] {
            if (watched->removals == 8) watched->away = true;
        };
        EXPECT_FALSE(first.sweep_now(RunMode::apply));
    }
    watched->away = false;
    watched->before_remove = nullptr;
    const auto cursor = database.value("select cursor from rounds where name = 'sweep-public/local'");
    EXPECT_NE(cursor, "");
    const int lists = watched->lists;
    OrphanCollector second{paged, services()};
    ASSERT_TRUE(second.sweep_now(RunMode::apply));
    EXPECT_LE(watched->lists - lists, 1 + 4) << "the incoming bucket, and what was left of the public one";
    EXPECT_TRUE(keys(published).empty());
    EXPECT_EQ(database.value("select count(*) from sweeps where removed_at is null"), "0");
}

TEST_F(OrphanCollectorTest, stops_between_two_requests) {
    for (int i = 0; i < 10; ++i)
        orphan();
    a_day_later();
    OrphanCollector one{options(), services()};
    watched->before_remove = [&] { one.stop(); };
    EXPECT_TRUE(one.sweep_now(RunMode::apply));
    EXPECT_EQ(watched->removals, 1);
    EXPECT_EQ(keys(published).size(), 9U);
    EXPECT_EQ(database.value("select count(*) from sweeps where removed_at is null"), "0");
}

}  // namespace
}  // namespace photogate::pipeline::test
