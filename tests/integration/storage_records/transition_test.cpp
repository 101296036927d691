// docs/states.md: every call against every state, and the trigger against every pair.
#include "model/transition.hpp"

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using enum model::UploadState;

constexpr model::UploadState kStates[] = {created, uploaded, processing, published, rejected,
                                          failed,  expired,  cancelled,  deleted};

class TransitionTest : public RecordsTest {
  protected:
    /// The state after the call, which may have been refused.
    template <class Call>
    model::UploadState after(model::UploadState before, Call call) {
        const auto upload = in_state(before);
        EXPECT_EQ(upload.state, before);
        call(upload);
        return state_of(upload.id);
    }
};

TEST_F(TransitionTest, moves_only_waiting_uploads_on_observation) {
    for (const auto before : kStates) {
        const auto result =
            after(before, [&](const model::Upload& upload) { ASSERT_TRUE(observe(seen(upload, "other"))); });
        const bool moves = before == created || before == expired;
        EXPECT_EQ(result, moves ? uploaded : before) << to_string(before);
    }
}

TEST_F(TransitionTest, cancels_or_erases_on_delete_except_while_processing) {
    for (const auto before : kStates) {
        bool refused = false;
        const auto result = after(before, [&](const model::Upload& upload) {
            const auto ended = records->uploads.cancel_or_delete(upload.app, upload.id);
            refused = !ended && ended.error().code == ErrorCode::state_conflict;
            // Idempotent.
            EXPECT_EQ(records->uploads.cancel_or_delete(upload.app, upload.id).has_value(), !refused);
        });
        const bool cancels =
            before == created || before == expired || before == uploaded || before == cancelled;
        EXPECT_EQ(refused, before == processing) << to_string(before);
        EXPECT_EQ(result, refused ? before : cancels ? cancelled : deleted) << to_string(before);
    }
}

TEST_F(TransitionTest, retries_only_failed_and_rejected) {
    for (const auto before : kStates) {
        const auto result = after(before, [&](const model::Upload& upload) {
            (void)records->uploads.retry(upload.app, upload.id);
        });
        EXPECT_EQ(result, before == failed || before == rejected ? uploaded : before) << to_string(before);
    }
}

TEST_F(TransitionTest, expires_only_created_uploads_past_their_time) {
    for (const auto before : kStates) {
        const auto result = after(before, [&](const model::Upload& upload) {
            EXPECT_FALSE(before == created && records->upkeep.expire(upload.id).value());
            clock.advance(std::chrono::hours{1});
            EXPECT_EQ(records->upkeep.expire(upload.id).value(), before == created);
        });
        EXPECT_EQ(result, before == created ? expired : before) << to_string(before);
    }
}

TEST_F(TransitionTest, renews_grant_only_for_waiting_uploads) {
    for (const auto before : kStates) {
        const auto result = after(before, [&](const model::Upload& upload) {
            (void)records->uploads.extend_grant(upload.app, upload.id, clock.now() + std::chrono::hours{1});
        });
        EXPECT_EQ(result, before == expired ? created : before) << to_string(before);
    }
}

TEST_F(TransitionTest, changes_nothing_with_a_foreign_lease_in_any_state) {
    for (const auto before : kStates) {
        const auto result = after(before, [&](const model::Upload& upload) {
            const model::Lease stale{1, "stale"};
            EXPECT_EQ(records->publications.publish(stale, a_publication(upload)).error().code,
                      ErrorCode::lease_lost);
            EXPECT_EQ(records->publications.reject(stale, a_refusal()).error().code, ErrorCode::lease_lost);
            EXPECT_EQ(records->jobs.postpone(stale, {}).error().code, ErrorCode::lease_lost);
            EXPECT_EQ(records->publications.repin(stale, {ETag::trusted("x"), {}, {}}).error().code,
                      ErrorCode::lease_lost);
            EXPECT_EQ(records->jobs.finish_cleanup(stale).error().code, ErrorCode::lease_lost);
        });
        EXPECT_EQ(result, before) << to_string(before);
    }
}

TEST_F(TransitionTest, allows_only_transitions_of_the_table) {
    const auto upload = in_state(published);
    for (const auto from : kStates) {
        for (const auto to : kStates) {
            if (from == to) continue;
            const std::string id = "'" + upload.id.str() + "'";
            database.run("alter table uploads disable trigger uploads_transition");
            database.run("update uploads set state = '" + std::string{to_string(from)} +
                         "' where id = " + id);
            database.run("alter table uploads enable trigger uploads_transition");
            bool moved = true;
            try {
                database.run("update uploads set state = '" + std::string{to_string(to)} +
                             "' where id = " + id);
            } catch (const pqxx::check_violation&) {
                moved = false;
            }
            EXPECT_EQ(moved, model::may_become(from, to)) << to_string(from) << " to " << to_string(to);
        }
    }
}

TEST_F(TransitionTest, erases_personal_data_and_queues_both_removals) {
    const auto upload = in_state(published);
    const auto erased = records->uploads.cancel_or_delete(upload.app, upload.id).value();
    EXPECT_EQ(erased.state, deleted);
    const auto found = records->uploads.find(upload.app, upload.id).value();
    EXPECT_EQ(found.filename, std::nullopt);
    EXPECT_TRUE(found.facts->exif_json.empty());
    EXPECT_TRUE(found.client_metadata.empty());
    EXPECT_EQ(found.metadata.at("order_id"), "A-1001");
    EXPECT_EQ(
        database.value(
            "select string_agg(kind || ':' || detail, ' ' order by kind) from jobs where run_at <= now()"),
        "remove_published: settle_original:remove");
    EXPECT_EQ(database.value("select string_agg(kind || ':' || detail, ' ') from jobs where run_at > now() + "
                             "interval '15 min'"),
              "settle_original:remove")
        << "what the client puts again while its grant is good";
    EXPECT_EQ(database.value("select body from callbacks where type = 'upload.deleted'"),
              "upload.deleted 3 deleted -");
    EXPECT_EQ(records->publications.find_public(upload.public_id).value()->state, deleted);
}

TEST_F(TransitionTest, removes_unannounced_object_on_cancel) {
    const auto upload = create();
    ASSERT_TRUE(records->uploads.cancel_or_delete(upload.app, upload.id));
    const auto jobs = records->jobs.claim({"w", 10, std::chrono::seconds{60}}).value();
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].kind, model::JobKind::dispose_original);
    EXPECT_EQ(jobs[0].detail, "remove");
    EXPECT_TRUE(records->uploads.has_jobs(upload.id).value());
    ASSERT_TRUE(records->jobs.finish_cleanup(jobs[0].lease));
    EXPECT_FALSE(records->uploads.has_jobs(upload.id).value()) << "nobody waits for the end of the grant";
    EXPECT_EQ(database.value("select count(*) from jobs where run_at > now() + interval '15 min'"), "1");
}

TEST_F(TransitionTest, keeps_jobs_of_deleted_upload_until_both_removals_are_done) {
    const auto upload = in_state(published);
    const auto other = in_state(uploaded);
    ASSERT_TRUE(records->uploads.cancel_or_delete(upload.app, upload.id));
    std::size_t removals = 0;
    const auto jobs = records->jobs.claim({"w", 10, std::chrono::seconds{60}}).value();
    for (const auto& job : jobs) {
        if (job.upload.id != upload.id) continue;
        EXPECT_TRUE(records->uploads.has_jobs(upload.id).value()) << "before removal " << removals;
        ASSERT_TRUE(records->jobs.finish_cleanup(job.lease));
        ++removals;
    }
    EXPECT_EQ(removals, 2U);
    EXPECT_FALSE(records->uploads.has_jobs(upload.id).value());
    EXPECT_TRUE(records->uploads.has_jobs(other.id).value()) << "another upload's jobs are its own";
}

TEST_F(TransitionTest, keeps_published_upload_where_asked_to_and_ends_all_others) {
    const auto upload = in_state(published);
    const auto kept = records->uploads.cancel_or_delete(upload.app, upload.id, Published::keep);
    ASSERT_FALSE(kept);
    EXPECT_EQ(kept.error().code, ErrorCode::forbidden);
    EXPECT_EQ(state_of(upload.id), published);
    const auto ended = [&](model::UploadState state) {
        const auto other = in_state(state);
        return records->uploads.cancel_or_delete(other.app, other.id, Published::keep)->state;
    };
    EXPECT_EQ(ended(rejected), deleted);
    EXPECT_EQ(ended(created), cancelled);
    EXPECT_EQ(records->uploads.cancel_or_delete(upload.app, upload.id, Published::erase)->state, deleted);
}

}  // namespace
}  // namespace photogate::storage::records::test
