// Rounds taken by turns, the guard under which a public object is swept, and that none of it reads a table
// from end to end.
#include <regex>
#include <thread>

#include "records_database.hpp"
#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class RoundsTest : public RecordsTest {
  protected:
    std::optional<MaintenanceLease> begin(MaintenanceStart start = MaintenanceStart::when_due) {
        return records->upkeep.acquire("sweep", 60s, start).value();
    }
    void let_lease_run_out() { database.run("update rounds set lease_until = now() - interval '1 s'"); }
};

TEST_F(RoundsTest, runs_round_on_one_gateway_and_skips_it_on_others) {
    auto round = begin();
    ASSERT_TRUE(round);
    EXPECT_FALSE(begin());
    EXPECT_FALSE(begin(MaintenanceStart::at_once));
    EXPECT_TRUE(records->upkeep.complete(*round, 1h).value());
    EXPECT_FALSE(begin());
    EXPECT_TRUE(begin(MaintenanceStart::at_once));
}

TEST_F(RoundsTest, lets_one_of_many_concurrent_starts_win) {
    std::atomic<int> begun{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] { begun += begin() ? 1 : 0; });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(begun, 1);
}

TEST_F(RoundsTest, resumes_at_the_cursor_of_a_dead_holder) {
    auto round = begin();
    round->cursor = "p/17";
    round->tally = {1'000, 3, 1};
    EXPECT_TRUE(records->upkeep.checkpoint(*round, 60s).value());
    let_lease_run_out();
    const auto next = begin();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->cursor, "p/17");
    EXPECT_EQ(next->tally, (MaintenanceTally{1'000, 3, 1}));
    // The dead one was only asleep: it changes nothing any more.
    round->cursor = "p/zz";
    EXPECT_FALSE(records->upkeep.checkpoint(*round, 60s).value());
    EXPECT_FALSE(records->upkeep.release(*round, 0ms).value());
    EXPECT_FALSE(records->upkeep.complete(*round, 0ms).value());
    EXPECT_EQ(database.value("select cursor from rounds"), "p/17");
}

TEST_F(RoundsTest, keeps_cursor_of_paused_round_and_resets_ended_one) {
    auto round = begin();
    round->cursor = "u/5";
    round->tally = {7, 2, 1};
    EXPECT_TRUE(records->upkeep.release(*round, 0ms).value());
    round = begin();
    ASSERT_TRUE(round);
    EXPECT_EQ(round->cursor, "u/5");
    EXPECT_TRUE(records->upkeep.complete(*round, 0ms).value());
    EXPECT_EQ(
        database.value(
            "select last_seen || '/' || last_removed || '/' || last_unknown || '/' || seen from rounds"),
        "7/2/1/0");
    round = begin();
    ASSERT_TRUE(round);
    EXPECT_EQ(round->cursor, "");
}

class SweepGuardTest : public RecordsTest {
  protected:
    const Bucket bucket = Bucket::trusted("published");

    bool ended(const std::string& horizon) { return records->upkeep.transactions_ended(horizon).value(); }
    std::size_t references(const ObjectKey& key) {
        return records->publications.references(Bucket::trusted("public"), {key}).value().size();
    }
};

TEST_F(SweepGuardTest, does_not_publish_object_being_deleted) {
    const auto job = claim_process(received().id);
    const auto publication = a_publication(job.upload);
    const auto& key = publication.image.key;
    const auto horizon = records->upkeep.mark_deleting(bucket, {key}).value();
    EXPECT_TRUE(ended(horizon));
    EXPECT_EQ(references(key), 0U);
    EXPECT_EQ(records->publications.publish(job.lease, publication).error().code, ErrorCode::state_conflict);
    EXPECT_EQ(state_of(job.upload.id), model::UploadState::processing);
    // Still open: whoever asked does not open the way for itself.
    EXPECT_EQ(records->publications.publish(job.lease, publication).error().code, ErrorCode::state_conflict);

    // Removed: the object that was put meanwhile may be gone with it, so it is refused once more.
    EXPECT_TRUE(records->upkeep.unmark_deleting(bucket, {key}, {}));
    EXPECT_EQ(records->publications.publish(job.lease, publication).error().code, ErrorCode::state_conflict);
    EXPECT_EQ(records->publications.publish(job.lease, publication).value().state,
              model::UploadState::published);
    EXPECT_EQ(references(key), 1U);
}

TEST_F(SweepGuardTest, publishes_spared_object) {
    const auto job = claim_process(received().id);
    const auto publication = a_publication(job.upload);
    ASSERT_TRUE(records->upkeep.mark_deleting(bucket, {publication.image.key}));
    EXPECT_TRUE(records->upkeep.unmark_deleting(bucket, {}, {publication.image.key}));
    EXPECT_EQ(records->publications.publish(job.lease, publication).value().state,
              model::UploadState::published);
}

TEST_F(SweepGuardTest, waits_for_transactions_that_began_earlier) {
    const auto job = claim_process(received().id);
    const auto publication = a_publication(job.upload);
    pqxx::connection connection{database.url()};
    {
        pqxx::work publishing{connection};
        publishing.exec("select from uploads where id = '" + job.upload.id.str() + "' for update");
        const auto horizon = records->upkeep.mark_deleting(bucket, {publication.image.key}).value();
        EXPECT_FALSE(ended(horizon)) << "it may have looked for sweeps before this one was there";
        publishing.commit();
        EXPECT_TRUE(ended(horizon));
    }
}

TEST_F(SweepGuardTest, delays_publication_by_minutes_when_the_sweeper_died) {
    const auto job = claim_process(received().id);
    const auto publication = a_publication(job.upload);
    ASSERT_TRUE(records->upkeep.mark_deleting(bucket, {publication.image.key}));
    EXPECT_FALSE(records->publications.publish(job.lease, publication));
    database.run("update sweeps set opened_at = now() - interval '6 minutes'");
    EXPECT_FALSE(records->publications.publish(job.lease, publication));
    EXPECT_TRUE(records->publications.publish(job.lease, publication));
}

TEST_F(SweepGuardTest, keeps_reference_to_deleted_image_until_its_removal_is_done) {
    const auto upload = in_state(model::UploadState::published);
    const auto& key = upload.image->key;
    EXPECT_EQ(references(key), 1U);
    EXPECT_EQ(references(ObjectKey::trusted(key.str() + "x")), 0U);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(references(key), 1U);
    while (references(key) > 0)
        ASSERT_TRUE(records->jobs.finish_cleanup(claim_one().lease));
    EXPECT_EQ(database.value("select count(*) from images"), "0");
}

TEST_F(SweepGuardTest, queues_only_ended_uploads_without_jobs) {
    using enum model::UploadState;
    for (const auto state : {created, uploaded, processing, failed, expired, cancelled, deleted}) {
        const auto upload = in_state(state);
        database.run("delete from jobs where subject_id = '" + upload.id.str() + "'");
        EXPECT_EQ(records->upkeep.queue_left_behind({upload.id}).value(), 0U) << to_string(state);
    }
    for (const auto state : {published, rejected}) {
        const auto upload = in_state(state);
        EXPECT_EQ(records->upkeep.queue_left_behind({upload.id}).value(), 0U)
            << "its original is being settled";
        database.run("delete from jobs where subject_id = '" + upload.id.str() + "'");
        EXPECT_EQ(records->upkeep.queue_left_behind({upload.id, upload.id}).value(), 1U) << to_string(state);
        EXPECT_EQ(records->upkeep.queue_left_behind({upload.id}).value(), 0U) << "queued already";
        EXPECT_EQ(database.value("select detail from jobs where subject_id = '" + upload.id.str() + "'"),
                  "remove");
    }
}

/// A hundred thousand uploads, most of them over, and what goes with them.
class ManyRowsTest : public RecordsTest {
  protected:
    ManyRowsTest() {
        database.run(R"(
            insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields,
                                 request_id, created_at, expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256)
            select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos',
                   case when n % 3 = 0 then 'created' when n % 100 = 1 then 'uploaded' else 'published' end,
                   'put', 'local', 'incoming',
                   'u/' || to_char(at at time zone 'UTC', 'YYYYMMDDHH24MI') || '/upl_' || lpad(n::text, 26, '0'), '{}', '{}', 'r', at,
                   at + interval '15 min', at, 'e',
                   case when n % 3 > 0 and n % 100 <> 1 then 'p/' || lpad(n::text, 26, '0') || '/0123456789abcdef.jpg' end,
                   'e', repeat('0', 64)
            from generate_series(1, 100000) n, lateral (select now() - n * interval '20 ms' as at) t)");
        database.run(
            "insert into jobs (subject_id, generation, app, kind) "
            "select id, 0, app, 'process' from uploads where state = 'uploaded'");
        database.run(R"(
            insert into images (upload_id, role, region, bucket, key, etag, sha256, format, width, height, size, made_at)
            select id, 'main', region, 'public', image_key, image_etag, image_sha256, 'jpeg', 1, 1, 1, updated_at
            from uploads where image_key is not null)");
        database.run("analyze");
    }

    /// The plan that every execution shares, whatever its parameters.
    std::string plan(const std::string& name, const std::string& parameters) {
        pqxx::connection connection{database.url()};
        pqxx::nontransaction work{connection};
        work.exec("set plan_cache_mode = force_generic_plan");
        work.exec("set search_path = public");
        work.exec("prepare asked as " + query(name));
        std::string lines;
        for (const auto& row :
             work.exec("explain execute asked" + (parameters.empty() ? "" : "(" + parameters + ")")))
            lines += std::string{row[0].c_str()} + "\n";
        return lines;
    }
    void expect_indexed(const std::string& name, const std::string& parameters) {
        const auto text = plan(name, parameters);
        static const std::regex scan{"Seq Scan on (uploads|jobs|callbacks|timeline)"};
        EXPECT_FALSE(std::regex_search(text, scan)) << name << "\n" << text;
    }
};

TEST_F(ManyRowsTest, uses_an_index_for_every_round_and_sweep_query) {
    expect_indexed("uploads_past_grant", "now() - interval '1 hour', '', now(), 200");
    expect_indexed("open_minutes_of_few", "now(), 10000");
    expect_indexed("minutes_since", "'u/202611201234/', 'u0', '^u/[0-9]{12}/'");
    expect_indexed("still_waiting", "array['u/1', 'u/2']");
    expect_indexed("uploads_at", "array['u/1', 'u/2'], 'incoming'");
    expect_indexed("queue_left_behind", "array['upl_1', 'upl_2']");
    expect_indexed("images_referred_to", "'public', array['p/1', 'p/2']");
    expect_indexed(
        "publish_upload",
        "'1', now(), 1, '', 1, '', 1, 1, '', '', '', '', '', 'p/1', '', '', '', 1, 1, 1, null, 1, 'public', "
        "null, '', null");
    expect_indexed("requeue_lost_leases", "5, now()");
    expect_indexed("spent_lost_leases", "5");
}

TEST_F(ManyRowsTest, skips_to_open_minutes_when_there_are_too_many_to_count) {
    const auto known =
        database.run("select distinct substring(key from '^.*/') as prefix from uploads order by prefix");
    const auto minutes = records->upkeep.open_minutes(900s, 1h).value();
    ASSERT_EQ(minutes.size(), static_cast<std::size_t>(known.size()));
    for (std::size_t i = 0; i < minutes.size(); ++i)
        EXPECT_EQ(minutes[i], known[static_cast<pqxx::result::size_type>(i)][0].c_str());
}

TEST_F(ManyRowsTest, visits_each_ended_grant_once_in_order) {
    clock.advance(2h);
    PastGrant after;
    std::size_t met = 0;
    for (;;) {
        const auto batch = records->upkeep.past_grant(after, 0s, 1'000).value();
        if (batch.empty()) break;
        for (const auto& upload : batch) {
            EXPECT_TRUE(std::pair(upload.expires_at, upload.id.str()) >
                        std::pair(after.expires_at, after.id));
            after = {upload.expires_at, upload.id.str()};
        }
        met += batch.size();
    }
    EXPECT_EQ(met, 33'333U);
}

}  // namespace
}  // namespace photogate::storage::records::test
