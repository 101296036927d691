// A database as the schema before images and subjects left it, migrated: everything is where it was, and goes on.
#include <chrono>
#include <stdexcept>

#include "records_database.hpp"
#include "storage/database/embedded_sql.hpp"
#include "storage/database/libpqxx.hpp"
#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using model::JobKind;
using model::UploadState;

constexpr int kUploads = 100'000;
/// No row of the large tables is rewritten: what takes time is one row for each image.
constexpr auto kLongest = 60s;

/// Uploads in all nine states, in turn, with the jobs, callbacks and facts that go with each.
constexpr const char* kRows = R"(
insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields, request_id, created_at,
                     expires_at, updated_at, received_at, pinned_etag, pinned_size, generation, found_type, found_size, found_sha256,
                     found_width, found_height, exif, privacy, placeholder, perceptual_hash, image_key, image_etag, image_sha256,
                     image_format, image_width, image_height, image_size, rejection_code, rejection_detail, finished_at, sequence)
select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos', state, 'put', 'default', 'incoming',
       'u/202611201234/upl_' || lpad(n::text, 26, '0'), '{}', '{}', 'r', at, at + interval '15 min', at,
       case when has_object then at end, case when has_object then 'etag' end, case when has_object then 10 end,
       case when has_object then 1 else 0 end,
       case when was_published then 'image/jpeg' end, case when was_published then 10 end,
       case when was_published then repeat('a', 64) end, case when was_published then 40 end, case when was_published then 20 end,
       case when was_published then '{}' end, case when was_published then '{}' end, case when was_published then 'p' end,
       case when state = 'published' then substr(md5(n::text), 1, 16) end,
       case when was_published then 'p/' || lpad(n::text, 26, '0') || '/0123456789abcdef.jpg' end,
       case when was_published then 'etag-' || n end, case when was_published then repeat('b', 64) end,
       case when was_published then 'jpeg' end, case when was_published then 20 end, case when was_published then 10 end,
       case when was_published then n end,
       case when state in ('rejected', 'failed') then 'corrupt' end, case when state in ('rejected', 'failed') then '' end,
       case when state not in ('created', 'uploaded', 'processing') then at + interval '1 min' end, 1
from generate_series(1, $1) n,
     lateral (select (array['created', 'uploaded', 'processing', 'published', 'rejected', 'failed', 'expired', 'cancelled',
                            'deleted'])[1 + n % 9] as state) s,
     lateral (select state in ('uploaded', 'processing', 'published', 'rejected', 'failed', 'deleted') as has_object,
                     state in ('published', 'deleted') as was_published,
                     timestamptz '2026-11-20 12:34:00Z' + n * interval '1 ms' as at) f
)";

constexpr const char* kJobs = R"(
insert into jobs (upload_id, generation, app, kind, detail, attempt, lease_token, lease_until)
select id, 1, app, 'process', '', case when state = 'processing' then 1 else 0 end,
       case when state = 'processing' then 'token-' || id end, case when state = 'processing' then now() + interval '1 hour' end
from uploads where state in ('uploaded', 'processing')
union all
select id, 1, app, 'settle_original', 'remove', 0, null, null from uploads where state in ('published', 'deleted') and image_size % 2 = 0
union all
select id, 1, app, 'remove_published', '', 0, null, null from uploads where state = 'deleted' and image_size % 4 = 0
)";

constexpr const char* kCallbacks = R"(
insert into callbacks (id, upload_id, app, type, sequence, url, body, created_at, next_attempt_at, state)
select 'msg_' || right(id, 26), id, app, 'upload.received', 1, 'https://shop.example/hook', '{}', created_at,
       case when state = 'uploaded' then now() end, case when state = 'uploaded' then 'waiting' else 'delivered' end
from uploads where generation > 0
)";

constexpr const char* kTimeline =
    "insert into timeline (upload_id, at, event) select id, created_at, 'received' from uploads where "
    "generation > 0";

/// What the orphan collector was answered before.
constexpr const char* kReferredBefore = R"(
create table referred_before as
select u.image_key as key, u.image_etag as etag, u.image_sha256 as sha256 from uploads u
where u.image_key is not null
  and (u.state = 'published' or exists (select from jobs j where j.upload_id = u.id and j.kind = 'remove_published'))
)";

class MigrationTest : public testing::Test {
  protected:
    /// As `photogate migrate` of that time left it.
    void migrate_before(std::string_view first_left_out) {
        database.run(database::statements().at("create_schema_migrations"));
        pqxx::connection connection{database.url()};
        for (const auto& file : migrations_files()) {
            if (file.name >= first_left_out) continue;
            pqxx::work work{connection};
            work.exec(std::string{file.text});
            const std::string name{file.name};
            const auto checksum = database::execute(work, database::statements().at("checksum"),
                                                    {std::string{file.text}.c_str()})[0][0]
                                      .as<std::string>();
            const auto number = std::to_string(std::stoi(name));
            database::execute(work, database::statements().at("record_migration"),
                              {number.c_str(), name.c_str(), checksum.c_str()});
            work.commit();
        }
    }
    void fill(int uploads) {
        pqxx::connection connection{database.url()};
        pqxx::work work{connection};
        database::execute(work, kRows, {std::to_string(uploads).c_str()});
        for (const auto* rows : {kJobs, kCallbacks, kTimeline, kReferredBefore})
            work.exec(rows);
        work.commit();
    }
    /// Published pictures, in the schema after subjects; each with a hash that no trigger has seen.
    void fill_after(int uploads) {
        database.run(R"(
            insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields, request_id,
                                 created_at, expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256, perceptual_hash)
            select 'upl_a' || lpad(n::text, 6, '0'), n::text, 'shop', 'photos', 'published', 'put', 'default', 'incoming', 'u/' || n,
                   '{}', '{}', 'r', now(), now(), now(), 'e', 'p/' || n, 'e', '', substr(md5(n::text), 1, 16)
            from generate_series(1, )" +
                     std::to_string(uploads) + ") n");
    }
    std::string count(const std::string& what) { return database.value("select count(*) from " + what); }
    std::unique_ptr<Records> open() {
        RecordsOptions options;
        options.database_url = database.url();
        auto opened = Records::open(options, composer, clock, random);
        if (!opened) throw std::runtime_error{opened.error().detail};
        return std::move(*opened);
    }
    /// The first upload in that state.
    UploadId one_in(const std::string& state, const std::string& also = "true") {
        return UploadId::trusted(
            database.value("select min(id) from uploads where state = '" + state + "' and " + also));
    }

    Database database;
    Composer composer;
    SystemClock clock;
    SystemRandom random;
};

TEST_F(MigrationTest, keeps_everything_that_the_older_schema_holds) {
    migrate_before("0006");
    fill(kUploads);
    const auto jobs_before = database.value(
        "select md5(string_agg(j.upload_id || generation || kind || detail || attempt || "
        "coalesce(lease_token, ''), ',' order by id)) "
        "from jobs j");

    const auto began = std::chrono::steady_clock::now();
    const auto migrated = migrate(database.url(), RunMode::apply);
    const auto took = std::chrono::steady_clock::now() - began;
    ASSERT_TRUE(migrated) << migrated.error().detail;
    RecordProperty("milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    EXPECT_LT(took, kLongest);

    for (const char* table : {"jobs", "callbacks", "timeline"})
        EXPECT_EQ(count(std::string{table} +
                        " where subject_kind <> 'upload' or not exists (select from uploads u where u.id = "
                        "subject_id)"),
                  "0")
            << table;
    EXPECT_EQ(database.value("select md5(string_agg(subject_id || generation || kind || detail || attempt || "
                             "coalesce(lease_token, "
                             "''), ',' order by id)) from jobs"),
              jobs_before);
    EXPECT_EQ(count("(select state, count(*) from uploads group by state) t"), "9");
    EXPECT_EQ(count("uploads"), std::to_string(kUploads));
    EXPECT_EQ(count("callbacks"), count("uploads where generation > 0"));
    EXPECT_EQ(count("timeline"), count("uploads where generation > 0"));

    // Every published image has its row, with what the upload says of it; every one that is being removed as well.
    EXPECT_EQ(count("images where state = 'live'"), count("uploads where state = 'published'"));
    EXPECT_EQ(count("images where state = 'removing'"), count("jobs where kind = 'remove_published'"));
    EXPECT_EQ(count("images i join uploads u on u.id = i.upload_id where i.role <> 'main' or i.spec_key <> "
                    "'' or i.bucket <> '' "
                    "or i.crc32 is not null or (i.region, i.key, i.etag, i.sha256, i.format, i.width, "
                    "i.height, i.size) is distinct "
                    "from (u.region, u.image_key, u.image_etag, u.image_sha256, u.image_format, "
                    "u.image_width, u.image_height, "
                    "u.image_size)"),
              "0");
    // Every published picture is found by its hash; nothing else is.
    EXPECT_EQ(count("picture_hashes"), count("uploads where state = 'published'"));
    EXPECT_EQ(count("picture_hashes p join uploads u on u.id = p.upload_id and u.app = p.app and "
                    "lpad(to_hex(p.hash), 16, '0') = u.perceptual_hash"),
              count("picture_hashes"));
    EXPECT_EQ(database.value("select to_regclass('picture_hashes_copied') is null"), "t");
    // The orphan collector is answered as before.
    EXPECT_EQ(
        count(
            "(select key, etag, sha256 from referred_before except select key, etag, sha256 from images) t"),
        "0");
    EXPECT_EQ(
        count(
            "(select key, etag, sha256 from images except select key, etag, sha256 from referred_before) t"),
        "0");
}

TEST_F(MigrationTest, hashes_of_pictures_that_are_published_and_deleted_meanwhile_are_not_missed) {
    migrate_before("0010");
    fill_after(20'000);
    // A step, as a migration that is killed after it leaves it.
    for (const auto& file : migrations_files())
        if (file.name.starts_with("0010")) database.run(std::string{file.text});
    EXPECT_EQ(count("picture_hashes"), "5000");
    // What the running gateways do between two steps, on both sides of what is copied.
    for (const char* id : {"upl_a000001", "upl_a019999"})
        database.run("update uploads set state = 'deleted', perceptual_hash = null where id = '" +
                     std::string{id} + "'");
    for (const char* id : {"upl_a000002", "upl_a019998"})
        database.run("update uploads set perceptual_hash = '00000000000000ff' where id = '" +
                     std::string{id} + "'");
    const auto migrated = migrate(database.url(), RunMode::apply);
    ASSERT_TRUE(migrated) << migrated.error().detail;
    EXPECT_EQ(count("picture_hashes"), "19998");
    EXPECT_EQ(count("picture_hashes where hash = 255"), "2");
    EXPECT_EQ(count("picture_hashes p join uploads u on u.id = p.upload_id where u.state <> 'published'"),
              "0");
    EXPECT_TRUE(migrate(database.url(), RunMode::apply).value().empty());
}

TEST_F(MigrationTest, work_that_was_under_way_goes_on) {
    migrate_before("0006");
    fill(900);
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    const auto records = open();
    const auto bucket = Bucket::trusted("public");

    // A worker of before still holds its lease.
    const auto id = one_in("processing");
    const auto token = database.value("select lease_token from jobs where subject_id = '" + id.str() + "'");
    const auto number =
        std::stoll(database.value("select id from jobs where subject_id = '" + id.str() + "'"));
    const auto upload = records->uploads.find(std::nullopt, id).value();
    ASSERT_TRUE(records->publications.publish({number, token}, a_publication(upload)));
    EXPECT_EQ(
        database.value("select bucket || ' ' || crc32 from images where upload_id = '" + id.str() + "'"),
        "public 3735928559");

    // What was waiting is claimed and ends.
    const auto jobs =
        records->jobs.claim({.worker = "w", .most = 1'000, .kinds = {JobKind::process}}).value();
    ASSERT_EQ(jobs.size(), 100U);
    EXPECT_EQ(jobs[0].subject, (model::Subject{"upload", jobs[0].upload.id.str()}));
    EXPECT_TRUE(records->publications.reject(jobs[0].lease, a_refusal()));
    EXPECT_TRUE(records->publications.repin(jobs[1].lease, {ETag::trusted("e2"), 5, std::nullopt}));
    EXPECT_TRUE(records->jobs.postpone(jobs[2].lease, {model::Postponement::Cost::free, "", "", 0ms}));
    EXPECT_TRUE(records->jobs.release({jobs[3].lease}));

    // A published image is deleted, and is referred to until its object is removed.
    const auto old =
        records->uploads.find(std::nullopt, one_in("published", "image_format = 'jpeg' and image_size < 900"))
            .value();
    const auto referred = [&] {
        return records->publications.references(bucket, {old.image->key}).value().size();
    };
    EXPECT_EQ(referred(), 1U);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, old.id));
    EXPECT_EQ(referred(), 1U);
    const auto removals =
        records->jobs.claim({.worker = "w", .most = 1'000, .kinds = {JobKind::remove_published}}).value();
    for (const auto& job : removals)
        ASSERT_TRUE(records->jobs.finish_cleanup(job.lease));
    EXPECT_EQ(referred(), 0U);
    EXPECT_EQ(count("images where state = 'removing'"), "0");

    // Callbacks and the timeline are found by their upload.
    EXPECT_EQ(records->outbox.list({.upload = jobs[5].upload.id}).value().size(), 1U);
    EXPECT_EQ(records->uploads.timeline(std::nullopt, jobs[5].upload.id).value().at(1).event, "received");
    EXPECT_EQ(records->outbox.claim(1'000, 1'000, 60s).value().size(), 100U + 3U)
        << "those that waited, and a publication's, a rejection's and a deletion's";
}

TEST_F(MigrationTest, a_paused_url_is_paused_for_each_app_that_has_callbacks_for_it) {
    migrate_before("0007");
    database.run(R"(
        insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at)
            select 'msg_' || app, 'u', app, 'upload.received', ascii(app), 'https://shared.example/', '{}', now(), 'infinity'
            from unnest(array['a', 'b']) as app;
        insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at)
            values ('msg_c', 'u', 'c', 'upload.received', 1, 'https://other.example/', '{}', now(), now());
        insert into paused_endpoints (url, paused_at) values ('https://shared.example/', now()), ('https://old.example/', now());
        insert into callback_endpoints (url, failures, failing_since, last_at, last_error)
            values ('https://other.example/', 3, now(), now(), 'status'))");
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    EXPECT_EQ(database.value("select string_agg(app || ' ' || url, ', ' order by app) from paused_endpoints"),
              "a https://shared.example/, b https://shared.example/");
    EXPECT_EQ(count("callback_endpoints"), "0");
    const auto records = open();
    EXPECT_EQ(records->outbox.claim(10, 8, 60s).value().size(), 1U);
    EXPECT_EQ(
        records->outbox.resume_endpoint({.app = AppName::trusted("a")}, "https://shared.example/").value(),
        1U);
}

TEST_F(MigrationTest, a_writer_of_the_older_schema_changes_nothing) {
    migrate_before("0006");
    fill(9);
    ASSERT_TRUE(migrate(database.url(), RunMode::apply));
    const auto jobs = count("jobs");
    EXPECT_THROW(
        database.run(
            "insert into jobs (upload_id, generation, app, kind) values ('upl_1', 1, 'shop', 'process')"),
        pqxx::sql_error);
    EXPECT_THROW(database.run("update jobs set lease_token = null where upload_id = 'upl_1'"),
                 pqxx::sql_error);
    EXPECT_EQ(count("jobs"), jobs);
}

// ---- what the new schema permits

class SubjectTest : public RecordsTest {};

TEST_F(SubjectTest, one_upload_may_have_several_jobs_of_a_kind_that_differ_by_slot) {
    const auto id = create().id.str();
    const std::string job =
        "insert into jobs (subject_id, generation, app, kind, slot) values ('" + id + "', 1, 'shop', ";
    database.run(job + "'make_version', 'a')");
    database.run(job + "'make_version', 'b')");
    EXPECT_THROW(database.run(job + "'make_version', 'a')"), pqxx::unique_violation);
}

TEST_F(SubjectTest, jobs_of_an_unknown_kind_or_subject_are_left_to_newer_gateways) {
    const auto mine = received();
    database.run("insert into jobs (subject_id, generation, app, kind, slot) values ('" + mine.id.str() +
                 "', 1, 'doorstep', 'make_version', 'a')");
    database.run(
        "insert into jobs (subject_kind, subject_id, generation, app, kind) values ('package', 'pkg_1', 1, "
        "'doorstep', "
        "'build_package')");
    const auto jobs = records->jobs.claim({.worker = "w", .most = 10}).value();
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].upload.id, mine.id);
    EXPECT_EQ(database.value("select count(*) from jobs where lease_token is null and attempt = 0"), "2");
    EXPECT_EQ(records->jobs.reap().value().requeued, 0U);
}

TEST_F(SubjectTest, a_job_about_something_else_than_an_upload_has_its_subject_slot_and_payload) {
    database.run(
        "insert into jobs (subject_kind, subject_id, generation, app, kind, slot, payload) values "
        "('package', 'pkg_1', 1, "
        "'shop', 'settle_original', 'a', '{\"x\":1}')");
    const auto job = claim_one();
    EXPECT_EQ(job.subject, (model::Subject{"package", "pkg_1"}));
    EXPECT_EQ(job.slot, "a");
    EXPECT_EQ(job.payload, "{\"x\":1}");
    EXPECT_TRUE(job.upload.id.empty());
    ASSERT_TRUE(records->jobs.postpone(job.lease, {model::Postponement::Cost::attempt, "later", "", 0ms}));
    EXPECT_TRUE(records->jobs.finish_cleanup(claim_one().lease));
}

TEST_F(SubjectTest, an_upload_with_an_unknown_word_fails_its_own_job_and_no_other) {
    const auto strange = received(), plain = received();
    // As a newer gateway would write it, whose schema permits it.
    database.run("alter table uploads drop constraint uploads_method");
    database.run("update uploads set method = 'patch' where id = '" + strange.id.str() + "'");
    const auto jobs = records->jobs.claim({.worker = "w", .most = 10}).value();
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].upload.id, plain.id);
    EXPECT_EQ(database.value("select state from uploads where id = '" + strange.id.str() + "'"), "uploaded");
    EXPECT_EQ(database.value("select attempt || ' ' || (run_at > now() + interval '59 minutes') from jobs "
                             "where subject_id = '" +
                             strange.id.str() + "'"),
              "0 true");
    EXPECT_EQ(records->uploads.list({}).value().size(), 1U) << "a list leaves it out";
    EXPECT_FALSE(records->uploads.find(std::nullopt, strange.id)) << "and it is an error, not another upload";
}

TEST_F(SubjectTest, an_image_is_there_once_for_each_bucket_and_key) {
    const auto upload = in_state(UploadState::published);
    EXPECT_EQ(database.value("select role || ' ' || state || ' ' || bucket || ' ' || crc32 from images"),
              "main live public 3735928559");
    EXPECT_THROW(
        database.run(
            "insert into images (role, spec_key, region, bucket, key, etag, sha256, format, width, height, "
            "size, "
            "made_at) select 'version', 's', region, bucket, key, etag, sha256, format, width, height, size, "
            "made_at from images"),
        pqxx::unique_violation);
    EXPECT_THROW(database.run("update images set crc32 = 4294967296"), pqxx::check_violation);
}

TEST_F(SubjectTest, a_publication_that_is_refused_leaves_no_image) {
    const auto job = claim_process(received().id);
    ASSERT_TRUE(
        records->upkeep.mark_deleting(Bucket::trusted("public"), {a_publication(job.upload).image.key}));
    EXPECT_EQ(records->publications.publish(job.lease, a_publication(job.upload)).error().code,
              ErrorCode::state_conflict);
    EXPECT_EQ(database.value("select count(*) from images"), "0");
}

}  // namespace
}  // namespace photogate::storage::records::test
