// t3 to t8 and t10: claims, leases, verdicts.
#include <set>
#include <thread>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using JobTest = RecordsTest;

TEST_F(JobTest, claims_job_exclusively_and_moves_the_upload) {
    const auto upload = received();
    const auto job = claim_one();
    EXPECT_EQ(job.kind, model::JobKind::process);
    EXPECT_EQ(job.attempt, 1U);
    EXPECT_EQ(job.upload.id, upload.id);
    EXPECT_EQ(job.upload.state, model::UploadState::processing);
    EXPECT_TRUE(records->jobs.claim({"other", 10, 60s}).value().empty());
}

TEST_F(JobTest, notifies_queues_removal_of_original_and_closes_job_on_publish) {
    received();
    const auto job = claim_one();
    const auto published = records->publications.publish(job.lease, a_publication(job.upload)).value();
    EXPECT_EQ(published.state, model::UploadState::published);
    const auto found = records->uploads.find(std::nullopt, job.upload.id).value();
    EXPECT_EQ(found.image, a_publication(job.upload).image);
    EXPECT_EQ(found.facts, a_publication(job.upload).facts);
    EXPECT_EQ(found.sequence, 2);
    EXPECT_EQ(records->publications.find_public(found.public_id).value()->id, found.id);
    const auto cleanup = claim_one();
    EXPECT_EQ(cleanup.kind, model::JobKind::dispose_original);
    EXPECT_EQ(cleanup.detail, "remove");
    EXPECT_TRUE(records->jobs.finish_cleanup(cleanup.lease));
    EXPECT_EQ(database.value("select count(*) from jobs"), "0");
    EXPECT_EQ(records->publications.publish(job.lease, a_publication(job.upload)).error().code,
              ErrorCode::lease_lost);
    EXPECT_EQ(database.value("select count(*) from callbacks where type = 'upload.published'"), "1");
}

TEST_F(JobTest, ignores_worker_without_the_lease) {
    received();
    const auto slow = claim_one();
    database.run("update jobs set lease_until = now() - interval '1 second'");
    EXPECT_EQ(records->jobs.reap().value().requeued, 1U);
    const auto lost = records->jobs.extend_leases({slow.lease}, 60s).value();
    EXPECT_EQ(lost, std::vector<model::Lease>{slow.lease});
    const auto fast = claim_one();
    EXPECT_EQ(fast.attempt, 2U);
    auto other = a_publication(slow.upload);
    other.image.sha256 = std::string(64, 'c');
    EXPECT_EQ(records->publications.publish(slow.lease, other).error().code, ErrorCode::lease_lost);
    EXPECT_TRUE(records->publications.publish(fast.lease, a_publication(fast.upload)));
    EXPECT_EQ(records->uploads.find(std::nullopt, fast.upload.id).value().image->sha256,
              std::string(64, 'b'));
}

TEST_F(JobTest, extends_held_lease_and_does_not_reap_it) {
    received();
    const auto job = claim_one();
    database.run("update jobs set lease_until = now() - interval '1 second'");
    EXPECT_TRUE(records->jobs.extend_leases({job.lease}, 60s).value().empty());
    EXPECT_EQ(records->jobs.reap().value().requeued, 0U);
}

TEST_F(JobTest, fails_upload_and_notifies_after_last_lost_lease) {
    const auto upload = received();
    for (int attempt = 1; attempt <= 5; ++attempt) {
        database.run("update jobs set run_at = now()");
        claim_one();
        database.run("update jobs set lease_until = now() - interval '1 second'");
        const auto reaped = records->jobs.reap().value();
        EXPECT_EQ(reaped.requeued, attempt < 5 ? 1U : 0U);
        EXPECT_EQ(reaped.failed, attempt < 5 ? 0U : 1U);
    }
    EXPECT_EQ(state_of(upload.id), model::UploadState::failed);
    EXPECT_EQ(database.value("select count(*) from callbacks where type = 'upload.failed'"), "1");
    EXPECT_EQ(database.value("select count(*) from jobs"), "0");
}

TEST_F(JobTest, ends_after_five_attempts_or_three_crashes_but_not_for_absent_store) {
    const auto put_off = [&](model::Postponement::Cost cost) {
        return records->jobs.postpone(claim_one().lease, {cost, "code", "why", 0ms}).value();
    };
    auto upload = received();
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(put_off(model::Postponement::Cost::free), model::UploadState::uploaded);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(put_off(model::Postponement::Cost::attempt), model::UploadState::uploaded);
    EXPECT_EQ(put_off(model::Postponement::Cost::attempt), model::UploadState::failed);
    upload = received();
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(put_off(model::Postponement::Cost::decoder_crash), model::UploadState::uploaded);
    EXPECT_EQ(put_off(model::Postponement::Cost::decoder_crash), model::UploadState::failed);
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id).value().rejection->code, "code");
    // The original stays, so that it can be tried again.
    EXPECT_EQ(database.value("select count(*) from jobs"), "0");
    EXPECT_EQ(records->uploads.retry(std::nullopt, upload.id).value().state, model::UploadState::uploaded);
    EXPECT_EQ(claim_one().attempt, 1U);
}

TEST_F(JobTest, delays_postponed_job) {
    received();
    ASSERT_TRUE(records->jobs.postpone(claim_one().lease,
                                       {model::Postponement::Cost::free, "store_unavailable", "", 1h}));
    EXPECT_TRUE(records->jobs.claim({"w", 1, 60s}).value().empty());
    EXPECT_EQ(records->gauges.backlog().value().jobs_ready, 0U);
}

TEST_F(JobTest, never_gives_up_cleanup) {
    in_state(model::UploadState::published);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(records->jobs
                      .postpone(claim_one().lease,
                                {model::Postponement::Cost::attempt, "store_unavailable", "", 0ms})
                      .value(),
                  model::UploadState::published);
    }
}

TEST_F(JobTest, rejects_upload_at_third_overwrite) {
    const auto upload = received();
    EXPECT_EQ(records->publications.repin(claim_one().lease, {ETag::trusted("e2"), 1, {}}).value(),
              model::UploadState::uploaded);
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id).value().pinned->etag.str(), "e2");
    EXPECT_EQ(records->publications.repin(claim_one().lease, {ETag::trusted("e3"), 1, {}}).value(),
              model::UploadState::uploaded);
    EXPECT_EQ(records->publications.repin(claim_one().lease, {ETag::trusted("e4"), 1, {}}).value(),
              model::UploadState::rejected);
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id).value().rejection->code, "overwritten");
    EXPECT_EQ(claim_one().kind, model::JobKind::dispose_original);
}

TEST_F(JobTest, does_not_count_released_claim) {
    const auto upload = received();
    ASSERT_TRUE(records->jobs.release({claim_one().lease}));
    EXPECT_EQ(state_of(upload.id), model::UploadState::uploaded);
    EXPECT_EQ(claim_one().attempt, 1U);
}

TEST_F(JobTest, delays_another_app_by_one_job_behind_batch_of_ten_thousand) {
    received("batch");
    database.run(
        "insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, "
        "client_fields, request_id,"
        " created_at, expires_at, updated_at, pinned_etag, generation)"
        " select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'batch', 'p', 'uploaded', 'put', "
        "'local', 'incoming',"
        " 'u/1/' || n, '{}', '{}', '', now(), now(), now(), 'e', 1 from generate_series(1, 10000) n");
    database.run(
        "insert into jobs (subject_id, generation, app, kind) select id, 1, app, 'process' from uploads"
        " where id like 'upl_000%' order by id");
    received("single");
    std::vector<std::string> apps;
    for (int i = 0; i < 2; ++i)
        apps.push_back(claim_one().upload.app.str());
    EXPECT_NE(std::find(apps.begin(), apps.end(), "single"), apps.end());
    EXPECT_EQ(records->jobs.claim({"w", 200, 60s}).value().size(), 200U);
}

TEST_F(JobTest, shares_jobs_among_many_workers_without_overlap) {
    for (int i = 0; i < 60; ++i)
        received("app" + std::to_string(i % 3));
    std::mutex mutex;
    std::multiset<std::string> claimed;
    std::vector<std::thread> workers;
    for (int i = 0; i < 6; ++i) {
        workers.emplace_back([&] {
            for (int empty = 0; empty < 3;) {
                const auto jobs = records->jobs.claim({"w", 3, 60s}).value();
                empty = jobs.empty() ? empty + 1 : 0;
                const std::lock_guard lock{mutex};
                for (const auto& job : jobs)
                    claimed.insert(job.upload.id.str());
            }
        });
    }
    for (auto& worker : workers)
        worker.join();
    EXPECT_EQ(claimed.size(), 60U);
    EXPECT_EQ(std::set<std::string>(claimed.begin(), claimed.end()).size(), 60U);
}

TEST_F(JobTest, lets_one_of_cancel_and_claim_win) {
    int cancelled = 0;
    for (int round = 0; round < 200; ++round) {
        const auto upload = received();
        std::vector<model::Job> jobs;
        std::thread worker{[&] { jobs = records->jobs.claim({"w", 10, 60s}).value(); }};
        const auto ended = records->uploads.cancel_or_delete(upload.app, upload.id);
        worker.join();
        std::erase_if(jobs, [&](const model::Job& job) { return job.kind != model::JobKind::process; });
        ASSERT_NE(ended.has_value(), jobs.size() == 1) << round;
        cancelled += ended ? 1 : 0;
        if (!ended) {
            EXPECT_EQ(ended.error().code, ErrorCode::state_conflict);
            ASSERT_TRUE(records->publications.publish(jobs[0].lease, a_publication(jobs[0].upload)));
        } else {
            ASSERT_EQ(state_of(upload.id), model::UploadState::cancelled);
        }
    }
    RecordProperty("cancelled", cancelled);
}

TEST_F(JobTest, lists_newest_first_and_filters) {
    std::vector<UploadId> ids;
    for (int i = 0; i < 5; ++i) {
        clock.advance(10ms);
        ids.push_back(create("one").id);
    }
    create("two");
    ListQuery query;
    query.app = AppName::trusted("one");
    query.limit = 2;
    auto page = records->uploads.list(query).value();
    ASSERT_EQ(page.size(), 2U);
    EXPECT_EQ(page[0].id, ids[4]);
    query.before = page[1].id;
    query.limit = 50;
    EXPECT_EQ(records->uploads.list(query).value().size(), 3U);
    query.before.reset();
    query.metadata = {{"order_id", "A-1001"}};
    EXPECT_EQ(records->uploads.list(query).value().size(), 5U);
    query.metadata = {{"order_id", "A-1002"}};
    EXPECT_TRUE(records->uploads.list(query).value().empty());
    for (const auto state :
         {model::UploadState::uploaded, model::UploadState::processing, model::UploadState::published,
          model::UploadState::rejected, model::UploadState::failed, model::UploadState::expired,
          model::UploadState::cancelled, model::UploadState::deleted}) {
        const auto upload = in_state(state);
        const auto found = records->uploads.list({.app = std::nullopt, .state = state}).value();
        EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const model::Upload& u) {
            return u.id == upload.id;
        })) << to_string(state);
        for (const auto& each : found)
            EXPECT_EQ(each.state, state);
        if (state == model::UploadState::uploaded)
            (void)records->uploads.cancel_or_delete(std::nullopt, upload.id);
    }
    clock.advance(1h);
    EXPECT_TRUE(records->uploads.list({.created_after = clock.now()}).value().empty());
}

TEST_F(JobTest, reaps_old_rows) {
    auto item = new_upload();
    item.idempotency = IdempotencyKey{"k", "h"};
    ASSERT_TRUE(try_create(item));
    ASSERT_TRUE(observe(seen(item.upload, "e", "event")));
    clock.advance(std::chrono::days{8});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(database.value("select count(*) from idempotency_keys"), "0");
    EXPECT_EQ(database.value("select count(*) from inbox"), "0");
}

TEST_F(JobTest, keeps_each_kind_of_temporary_row_for_its_retention) {
    RecordsOptions options;
    options.retention = {.idempotency = 1h, .events = 2h, .attempts = 3h};
    const auto brief = open(options);
    // Of each kind two rows: a minute older than what is kept, and a minute younger.
    database.run(R"(
        insert into idempotency_keys (app, key, request_sha256, upload_id, created_at)
            select 'app', age, '', '', now() - age::interval from unnest(array['61 min', '59 min']) as age;
        insert into inbox (event_id, source, received_at)
            select age, 'minio', now() - age::interval from unnest(array['121 min', '119 min']) as age;
        insert into callback_attempts (callback_id, lease_token, at, error, latency_ms, answer)
            select age, '', now() - age::interval, '', 1, '' from unnest(array['181 min', '179 min']) as age;
        insert into event_quarantine (source, reason, body, received_at)
            select 'minio', age, '', now() - age::interval from unnest(array['181 min', '179 min']) as age)");
    ASSERT_TRUE(brief->upkeep.forget_old());
    EXPECT_EQ(database.value("select string_agg(key, ' ') from idempotency_keys"), "59 min");
    EXPECT_EQ(database.value("select string_agg(event_id, ' ') from inbox"), "119 min");
    EXPECT_EQ(database.value("select string_agg(callback_id, ' ') from callback_attempts"), "179 min");
    EXPECT_EQ(database.value("select string_agg(reason, ' ') from event_quarantine"), "179 min");
}

}  // namespace
}  // namespace photogate::storage::records::test
