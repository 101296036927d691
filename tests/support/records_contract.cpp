#include "tests/support/records_contract.hpp"

#include <algorithm>
#include <future>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "model/object_layout.hpp"

namespace photogate::test {

using namespace std::chrono_literals;
using model::JobKind;
using model::Postponement;
using model::UploadState;
using storage::records::Created;
using storage::records::ObserveOutcome;

model::Upload RecordsContract::created() {
    storage::records::NewUpload item;
    auto& upload = item.upload;
    upload.id = make_upload_id(world->clock().now(), random);
    upload.public_id = make_public_id(random);
    upload.app = AppName::trusted("shop");
    upload.profile = ProfileName::trusted("photos");
    upload.region = "default";
    upload.bucket = incoming;
    upload.key = model::incoming_key(world->clock().now(), upload.id);
    upload.request_id = "r";
    upload.created_at = world->clock().now();
    upload.expires_at = world->clock().now() + 15min;
    std::promise<Result<Created>> promise;
    world->uploads().create(std::move(item),
                            [&](Result<Created> made) { promise.set_value(std::move(made)); });
    return promise.get_future().get().value().upload;
}

ObserveOutcome RecordsContract::observe(const model::Upload& upload, const std::string& etag,
                                        std::optional<std::string> event) {
    storage::records::Observation seen;
    seen.event_id = std::move(event);
    seen.region = upload.region;
    seen.bucket = upload.bucket;
    seen.key = upload.key;
    seen.object = {ETag::trusted(etag), 10, std::nullopt};
    std::promise<Result<ObserveOutcome>> promise;
    world->arrivals().observe(std::move(seen),
                              [&](Result<ObserveOutcome> outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get().value();
}

model::Upload RecordsContract::received() {
    const auto upload = created();
    EXPECT_EQ(observe(upload), ObserveOutcome::received);
    return world->uploads().find(std::nullopt, upload.id).value();
}

std::vector<model::Job> RecordsContract::claim(std::vector<JobKind> kinds) {
    world->all_due();
    return world->jobs().claim({.worker = "w", .most = 10, .kinds = std::move(kinds)}).value();
}

model::Job RecordsContract::claim_one() {
    auto jobs = claim();
    if (jobs.size() != 1) throw std::runtime_error{"not one job to claim"};
    return jobs.front();
}

model::Publication RecordsContract::publication(const model::Upload& upload) const {
    model::Publication made;
    made.facts = {"image/jpeg", 10, std::string(64, 'a'), 4, 3, "{}", "{}", "p", "h", "#102030"};
    made.image = {model::published_key(upload.public_id, std::string(64, 'b'), "jpg"),
                  ETag::trusted("out"),
                  std::string(64, 'b'),
                  "jpeg",
                  2,
                  1,
                  9,
                  std::nullopt};
    made.bucket = published;
    return made;
}

UploadState RecordsContract::state_of(const UploadId& id) {
    return world->uploads().find(std::nullopt, id).value().state;
}

TEST_P(RecordsContract, a_stale_lease_changes_nothing) {
    const auto upload = received();
    const auto stale = claim_one();
    world->expire_leases();
    ASSERT_EQ(world->jobs().reap().value().requeued, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    const auto fresh = claim_one();
    EXPECT_EQ(fresh.attempt, 2U);
    const auto lost = ErrorCode::lease_lost;
    EXPECT_EQ(world->publications().publish(stale.lease, publication(upload)).error().code, lost);
    EXPECT_EQ(world->publications().reject(stale.lease, {{"corrupt", ""}, {}, {}}).error().code, lost);
    EXPECT_EQ(world->publications().repin(stale.lease, {ETag::trusted("e2"), 5, {}}).error().code, lost);
    EXPECT_EQ(world->jobs().postpone(stale.lease, {}).error().code, lost);
    EXPECT_EQ(world->jobs().extend_leases({stale.lease, fresh.lease}, 60s).value(),
              std::vector<model::Lease>{stale.lease});
    EXPECT_EQ(state_of(upload.id), UploadState::processing);
    EXPECT_TRUE(world->publications().publish(fresh.lease, publication(upload)));
    EXPECT_EQ(world->publications().publish(fresh.lease, publication(upload)).error().code, lost) << "once";
}

TEST_P(RecordsContract, a_lease_that_ran_out_counts_until_it_is_taken_back) {
    const auto upload = received();
    const auto job = claim_one();
    world->expire_leases();
    EXPECT_TRUE(world->publications().publish(job.lease, publication(upload)));
    EXPECT_EQ(world->jobs().reap().value().requeued, 0U);
}

TEST_P(RecordsContract, a_cleanup_lease_gives_no_verdict_and_a_verdicts_lease_is_not_cleaned_up) {
    const auto upload = received();
    const auto job = claim_one();
    EXPECT_EQ(world->jobs().finish_cleanup(job.lease).error().code, ErrorCode::state_conflict);
    ASSERT_TRUE(world->publications().publish(job.lease, publication(upload)));
    const auto cleanup = claim({JobKind::dispose_original}).at(0);
    EXPECT_EQ(world->publications().publish(cleanup.lease, publication(upload)).error().code,
              ErrorCode::state_conflict);
    EXPECT_EQ(world->publications().reject(cleanup.lease, {}).error().code, ErrorCode::state_conflict);
    EXPECT_EQ(state_of(upload.id), UploadState::published);
    EXPECT_TRUE(world->jobs().finish_cleanup(cleanup.lease));
    EXPECT_EQ(world->jobs().finish_cleanup(cleanup.lease).error().code, ErrorCode::lease_lost);
}

TEST_P(RecordsContract, claims_only_the_kinds_that_are_named) {
    const auto upload = received();
    EXPECT_TRUE(claim({JobKind::dispose_original, JobKind::remove_published}).empty());
    EXPECT_TRUE(claim({}).empty());
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(claim({JobKind::process}).size(), 1U);
    EXPECT_TRUE(claim({JobKind::process}).empty()) << "nobody else gets it";
}

TEST_P(RecordsContract, takes_an_event_in_once_and_pins_the_first_object) {
    const auto upload = created();
    const std::string event(64, 'e');
    EXPECT_EQ(observe(upload, "e1", event), ObserveOutcome::received);
    EXPECT_EQ(observe(upload, "e1", event), ObserveOutcome::duplicate);
    EXPECT_EQ(observe(upload, "e2", std::string(64, 'f')), ObserveOutcome::already_known);
    EXPECT_EQ(world->uploads().find(std::nullopt, upload.id)->pinned->etag.str(), "e1");
    EXPECT_EQ(claim().size(), 1U);
    auto nobody = upload;
    nobody.key = ObjectKey::trusted(upload.key.str() + "x");
    EXPECT_EQ(observe(nobody), ObserveOutcome::unknown);
}

TEST_P(RecordsContract, an_upload_that_waits_for_its_object_has_one_job_that_looks_for_it) {
    const auto waiting = created(), cancelled = created(), seen = received();
    ASSERT_TRUE(world->uploads().cancel_or_delete(std::nullopt, cancelled.id));
    const auto place = [](const model::Upload& upload) {
        return storage::records::ObjectPlace{upload.region, upload.bucket, upload.key};
    };
    auto elsewhere = place(waiting), nobody = place(waiting);
    elsewhere.region = "elsewhere";
    nobody.key = ObjectKey::trusted(waiting.key.str() + "x");
    EXPECT_EQ(world->arrivals().queue_finding({elsewhere, nobody, place(cancelled), place(seen)}).value(),
              0U);
    EXPECT_EQ(world->arrivals().queue_finding({place(waiting), place(waiting), nobody}).value(), 1U);
    EXPECT_EQ(world->arrivals().queue_finding({place(waiting)}).value(), 1U) << "it still waits";
    EXPECT_EQ(world->arrivals().queue_finding({}).value(), 0U);
    const auto jobs = claim({JobKind::find_object});
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_EQ(jobs[0].upload.id, waiting.id);
    EXPECT_EQ(jobs[0].upload.state, UploadState::created);
    // It does not stand in the way of the work that follows, nor of a cancellation.
    EXPECT_EQ(observe(waiting), ObserveOutcome::received);
    EXPECT_EQ(claim().size(), 2U);
    EXPECT_TRUE(world->jobs().finish_cleanup(jobs[0].lease));
    const auto given_up = created();
    ASSERT_TRUE(world->arrivals().queue_finding({place(given_up)}));
    ASSERT_TRUE(world->uploads().cancel_or_delete(std::nullopt, given_up.id));
    EXPECT_TRUE(claim({JobKind::find_object}).empty());
}

TEST_P(RecordsContract, an_object_of_an_upload_that_has_ended_is_unwanted_and_a_job_removes_it) {
    const auto upload = received();
    ASSERT_TRUE(world->publications().publish(claim_one().lease, publication(upload)));
    ASSERT_TRUE(world->jobs().finish_cleanup(claim({JobKind::dispose_original}).at(0).lease));
    EXPECT_EQ(observe(upload, "e2"), ObserveOutcome::unwanted);
    EXPECT_EQ(observe(upload, "e3"), ObserveOutcome::unwanted);
    EXPECT_FALSE(world->uploads().has_jobs(upload.id).value());
    const auto jobs = claim({JobKind::dispose_original});
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_TRUE(jobs[0].slot.starts_with(model::kLateSlot));
    EXPECT_EQ(observe(upload, "e4"), ObserveOutcome::unwanted);
    EXPECT_TRUE(world->jobs().finish_cleanup(jobs[0].lease, model::TimelineNote{"object.unwanted", {}}));
    EXPECT_EQ(world->uploads().timeline(std::nullopt, upload.id)->back().event, "object.unwanted");
    EXPECT_EQ(claim({JobKind::dispose_original}).size(), 1U) << "another, for what came while it ran";
    EXPECT_EQ(state_of(upload.id), UploadState::published);
}

TEST_P(RecordsContract, an_upload_whose_late_object_is_being_removed_is_not_tried_again) {
    const auto upload = received();
    ASSERT_TRUE(world->publications().reject(claim_one().lease, {{"corrupt", ""}, {}, {}}));
    ASSERT_TRUE(world->jobs().finish_cleanup(claim({JobKind::dispose_original}).at(0).lease));
    EXPECT_EQ(observe(upload, "e2"), ObserveOutcome::unwanted);
    const auto removing = claim({JobKind::dispose_original}).at(0);
    EXPECT_EQ(world->uploads().retry(std::nullopt, upload.id).error().code, ErrorCode::state_conflict);
    ASSERT_TRUE(world->jobs().finish_cleanup(removing.lease));
    EXPECT_EQ(observe(upload, "e3"), ObserveOutcome::unwanted);
    EXPECT_TRUE(world->uploads().retry(std::nullopt, upload.id));
    EXPECT_TRUE(claim({JobKind::dispose_original}).empty()) << "what is to be processed is not removed";
}

TEST_P(RecordsContract, rejects_as_overwritten_at_the_third_generation) {
    const auto upload = received();
    for (const char* etag : {"e2", "e3"}) {
        EXPECT_EQ(world->publications().repin(claim_one().lease, {ETag::trusted(etag), 5, {}}).value(),
                  UploadState::uploaded);
    }
    const auto job = claim_one();
    EXPECT_EQ(job.attempt, 1U) << "each generation begins anew";
    EXPECT_EQ(world->publications().repin(job.lease, {ETag::trusted("e4"), 5, {}}).value(),
              UploadState::rejected);
    EXPECT_EQ(world->uploads().find(std::nullopt, upload.id)->rejection->code, "overwritten");
}

TEST_P(RecordsContract, fails_the_upload_at_the_last_attempt_and_never_for_what_is_free) {
    const auto upload = received();
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(world->jobs().postpone(claim_one().lease, {Postponement::Cost::free, "", "", 0ms}).value(),
                  UploadState::uploaded);
    }
    for (int i = 1; i < 5; ++i) {
        EXPECT_EQ(
            world->jobs().postpone(claim_one().lease, {Postponement::Cost::attempt, "", "", 0ms}).value(),
            UploadState::uploaded);
    }
    EXPECT_EQ(world->jobs().postpone(claim_one().lease, {Postponement::Cost::attempt, "x", "", 0ms}).value(),
              UploadState::failed);
    EXPECT_EQ(world->uploads().find(std::nullopt, upload.id)->rejection->code, "x");
    EXPECT_TRUE(world->uploads().retry(std::nullopt, upload.id));
    EXPECT_EQ(claim_one().attempt, 1U);
}

TEST_P(RecordsContract, what_waits_for_long_says_so_once) {
    const auto upload = received();
    const auto wait_for = [&](const char* code) {
        EXPECT_TRUE(world->jobs().postpone(claim_one().lease, {Postponement::Cost::free, code, "", 0ms}));
    };
    for (int i = 0; i < 50; ++i)
        wait_for("scanner_unavailable");
    wait_for("hook_unavailable");
    for (int i = 0; i < 50; ++i)
        wait_for(i % 2 == 0 ? "scanner_unavailable" : "hook_unavailable");
    const auto events = [&](std::string_view word) {
        const auto entries = world->uploads().timeline(std::nullopt, upload.id).value();
        return std::count_if(entries.begin(), entries.end(),
                             [&](const auto& each) { return each.event == word; });
    };
    EXPECT_EQ(events("postponed"), 2) << "once for each";
    EXPECT_EQ(events("claimed"), 1);
    EXPECT_EQ(events("resumed"), 0);
    EXPECT_TRUE(
        world->jobs().postpone(claim_one().lease, {Postponement::Cost::attempt, "internal", "", 0ms}));
    EXPECT_EQ(events("resumed"), 1) << "it has what it waited for";
    EXPECT_EQ(events("postponed"), 3) << "what spends an attempt is always told";
    wait_for("scanner_unavailable");
    EXPECT_EQ(events("postponed"), 4) << "another wait";
    EXPECT_EQ(events("claimed"), 2);
    ASSERT_TRUE(world->publications().publish(claim_one().lease, publication(upload)));
    EXPECT_EQ(events("resumed"), 2);
}

TEST_P(RecordsContract, a_job_that_waits_for_a_gate_is_released_when_that_is_back) {
    // Not all jobs are made due here: those that wait are not.
    const auto claim_due = [&] {
        return world->jobs().claim({.worker = "w", .most = 10, .kinds = {JobKind::process}}).value();
    };
    const auto wait_for_one = [&] {
        auto jobs = claim_due();
        for (int i = 0; i < 300 && jobs.empty(); ++i) {
            std::this_thread::sleep_for(10ms);
            jobs = claim_due();
        }
        if (jobs.size() != 1) throw std::runtime_error{"not one job to claim"};
        return jobs.front();
    };
    for (int i = 0; i < 6; ++i) {
        received();
        model::Postponement away{Postponement::Cost::free, "hook_unavailable", "", 600s};
        away.held_by = i == 5 ? "scanner" : "hook:1";
        ASSERT_TRUE(world->jobs().postpone(wait_for_one().lease, away));
    }
    EXPECT_TRUE(claim_due().empty());
    const auto release = [&](std::vector<std::string> away, std::vector<std::string> tried,
                             std::size_t most) {
        const auto released = world->jobs().release_held({std::move(away), std::move(tried), most});
        EXPECT_TRUE(released) << released.error().detail;
        return released.value_or(99);
    };
    EXPECT_EQ(release({"hook:1", "scanner"}, {}, 10), 0U) << "both are away";
    EXPECT_EQ(release({"scanner"}, {"hook:1"}, 10), 1U) << "one finds out";
    wait_for_one();
    EXPECT_EQ(release({"scanner"}, {"hook:1"}, 10), 1U) << "what is leased is not held";
    EXPECT_EQ(release({"scanner"}, {}, 2), 2U) << "a bounded number at once";
    EXPECT_EQ(release({"scanner"}, {}, 2), 1U);
    EXPECT_EQ(release({"scanner"}, {}, 2), 0U);
    EXPECT_EQ(release({}, {}, 2), 1U);
}

TEST_P(RecordsContract, fails_the_upload_at_the_third_crash) {
    const auto upload = received();
    for (int i = 1; i < 3; ++i) {
        EXPECT_EQ(world->jobs()
                      .postpone(claim_one().lease, {Postponement::Cost::decoder_crash, "", "", 0ms})
                      .value(),
                  UploadState::uploaded);
    }
    EXPECT_EQ(
        world->jobs().postpone(claim_one().lease, {Postponement::Cost::decoder_crash, "", "", 0ms}).value(),
        UploadState::failed);
}

TEST_P(RecordsContract,
       refuses_to_publish_an_object_that_the_orphan_collector_removed_until_it_is_put_again) {
    const auto upload = received();
    const auto job = claim_one();
    world->mark_removed(published, publication(upload).image.key);
    EXPECT_EQ(world->publications().publish(job.lease, publication(upload)).error().code,
              ErrorCode::state_conflict);
    EXPECT_EQ(state_of(upload.id), UploadState::processing);
    EXPECT_TRUE(world->publications().publish(job.lease, publication(upload)));
}

TEST_P(RecordsContract, an_image_is_referred_to_until_its_removal_is_done) {
    const auto upload = received();
    const auto key = publication(upload).image.key;
    const auto referred = [&] { return world->publications().references(published, {key}).value().size(); };
    EXPECT_EQ(referred(), 0U);
    ASSERT_TRUE(world->publications().publish(claim_one().lease, publication(upload)));
    EXPECT_EQ(referred(), 1U);
    ASSERT_TRUE(world->uploads().cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(referred(), 1U);
    EXPECT_TRUE(world->uploads().has_jobs(upload.id).value());
    ASSERT_TRUE(world->jobs().finish_cleanup(claim({JobKind::remove_published}).at(0).lease));
    EXPECT_EQ(referred(), 0U);
    EXPECT_EQ(world->publications().find_public(upload.public_id).value()->state, UploadState::deleted);
}

TEST_P(RecordsContract, a_deletion_waits_for_no_cleanup_and_takes_its_lease) {
    const auto upload = received();
    ASSERT_TRUE(world->publications().publish(claim_one().lease, publication(upload)));
    const auto moving = claim({JobKind::dispose_original}).at(0);
    ASSERT_TRUE(world->uploads().cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(world->jobs().finish_cleanup(moving.lease).error().code, ErrorCode::lease_lost);
    EXPECT_EQ(claim({JobKind::dispose_original}).at(0).detail, "remove");
}

TEST_P(RecordsContract, neither_deletes_nor_retries_what_is_being_processed) {
    const auto upload = received();
    const auto job = claim_one();
    EXPECT_EQ(world->uploads().cancel_or_delete(std::nullopt, upload.id).error().code,
              ErrorCode::state_conflict);
    EXPECT_EQ(world->uploads().retry(std::nullopt, upload.id).error().code, ErrorCode::state_conflict);
    ASSERT_TRUE(world->jobs().release({job.lease}));
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(world->uploads().cancel_or_delete(std::nullopt, upload.id)->state, UploadState::cancelled);
    EXPECT_TRUE(claim().empty());
}

TEST_P(RecordsContract, another_apps_upload_is_not_found) {
    const auto upload = received();
    const auto other = AppName::trusted("other");
    const auto none = ErrorCode::upload_not_found;
    EXPECT_EQ(world->uploads().find(other, upload.id).error().code, none);
    EXPECT_EQ(world->uploads().cancel_or_delete(other, upload.id).error().code, none);
    EXPECT_EQ(world->uploads().retry(other, upload.id).error().code, none);
    EXPECT_EQ(world->uploads().timeline(other, upload.id).error().code, none);
    EXPECT_EQ(world->uploads().extend_grant(other, upload.id, world->clock().now()).error().code, none);
}

TEST_P(RecordsContract, moves_the_end_of_a_grant_only_while_nothing_has_arrived) {
    const auto upload = created();
    const auto later = world->clock().now() + 1h;
    EXPECT_EQ(world->uploads().extend_grant(upload.app, upload.id, later)->expires_at, later);
    ASSERT_EQ(observe(upload), ObserveOutcome::received);
    EXPECT_EQ(world->uploads().extend_grant(upload.app, upload.id, later).error().code,
              ErrorCode::state_conflict);
}

TEST_P(RecordsContract, renews_the_grant_of_a_repeated_request_that_has_ended_while_its_file_is_awaited) {
    const auto now = world->clock().now();
    const auto ask = [&](Timestamp ends) {
        storage::records::NewUpload item;
        item.upload = created();
        item.upload.id = make_upload_id(now, random);
        item.upload.public_id = make_public_id(random);
        item.upload.key = model::incoming_key(now, item.upload.id);
        item.upload.expires_at = ends;
        item.idempotency = storage::records::IdempotencyKey{"key-1", std::string(64, 'a')};
        std::promise<Result<Created>> promise;
        world->uploads().create(std::move(item),
                                [&](Result<Created> made) { promise.set_value(std::move(made)); });
        return promise.get_future().get().value();
    };
    const auto first = ask(now - 1s);
    ASSERT_EQ(first.how, Created::How::created);
    const auto renewed = ask(now + 15min);
    EXPECT_EQ(renewed.how, Created::How::replayed);
    EXPECT_EQ(renewed.upload.id, first.upload.id);
    EXPECT_EQ(world->uploads().find(std::nullopt, first.upload.id)->expires_at, renewed.upload.expires_at);
    EXPECT_GT(renewed.upload.expires_at, now);
    const auto again = ask(now + 1h);
    EXPECT_EQ(again.upload.expires_at, renewed.upload.expires_at) << "its grant is good";
}

TEST_P(RecordsContract, renews_no_grant_of_an_upload_that_has_its_file) {
    const auto now = world->clock().now();
    storage::records::NewUpload item;
    item.upload = created();
    item.upload.id = make_upload_id(now, random);
    item.upload.public_id = make_public_id(random);
    item.upload.key = model::incoming_key(now, item.upload.id);
    item.upload.expires_at = now - 1s;
    item.idempotency = storage::records::IdempotencyKey{"key-1", std::string(64, 'a')};
    const auto ask = [&] {
        std::promise<Result<Created>> promise;
        world->uploads().create(item, [&](Result<Created> made) { promise.set_value(std::move(made)); });
        return promise.get_future().get().value();
    };
    ASSERT_EQ(ask().how, Created::How::created);
    ASSERT_EQ(observe(item.upload), ObserveOutcome::received);
    item.upload.expires_at = now + 15min;
    EXPECT_EQ(ask().how, Created::How::replayed);
    EXPECT_EQ(world->uploads().find(std::nullopt, item.upload.id)->expires_at, now - 1s);
}

}  // namespace photogate::test
