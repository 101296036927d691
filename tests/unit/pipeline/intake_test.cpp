#include "pipeline/intake.hpp"

#include <condition_variable>
#include <mutex>

#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using model::UploadState;
using notifier::events::Belief;
using notifier::events::EventBatch;
using notifier::events::Source;
using notifier::events::StoreEvent;
using notifier::events::StoreOperation;

class IntakeTest : public PipelineTest {
  protected:
    IntakeTest() {
        look_at_store = [this](const model::Upload& upload) {
            return intake.look(upload, storage::records::DiscoveredBy::reconciler);
        };
    }
    /// From now on every look ends so.
    void refuse(ErrorCode code) {
        store->before = [code](const photogate::test::FakeStore::Call&) {
            return Error{code, "", {}, std::nullopt};
        };
    }
    static StoreEvent event_of(const model::Upload& upload) {
        StoreEvent event;
        event.operation = StoreOperation::created_put;
        event.name = "ObjectCreated:Put";
        event.bucket = upload.bucket.str();
        event.key = upload.key.str();
        event.size = 24;
        event.etag = "etag-of-the-event";
        event.sequencer = "1";
        return event;
    }
    /// Created, with its object in the store.
    model::Upload put() {
        const auto upload = created();
        etag_put = store->write(incoming, upload.key, std::string{kOriginal});
        return upload;
    }
    Result<IntakeSummary> take_in(std::vector<StoreEvent> events) {
        EventBatch batch;
        batch.events = std::move(events);
        return take_in(batch);
    }
    Result<IntakeSummary> take_in(const Intake::ParsedBody& batch) {
        return take_in({.name = "minio", .regions = {"default"}, .authenticator = nullptr}, batch);
    }
    Result<IntakeSummary> take_in(const Source& source, const Intake::ParsedBody& batch) {
        std::vector<Result<IntakeSummary>> answers;
        intake.take_in(source, batch, "{}",
                       [&](Result<IntakeSummary> answer) { answers.push_back(std::move(answer)); });
        EXPECT_EQ(answers.size(), 1U) << "exactly one answer";
        return answers.at(0);
    }

    /// The built-in store, which is believed.
    const Source itself{
        .name = "built-in", .regions = {"default"}, .belief = Belief::trust, .authenticator = nullptr};
    const Source outside{.name = "minio", .regions = {"default"}, .authenticator = nullptr};
    ETag etag_put;  ///< of the last put()
    Intake intake{records, records, stores, clock};
};

TEST_F(IntakeTest, knows_objects_of_store_probes_whatever_is_done_to_them) {
    auto event = event_of(created());
    event.key = "u/probe/k3j2/stolen-from-originals";
    auto copied = event;
    copied.operation = StoreOperation::created_copy;
    const auto summary = take_in({event, copied});
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->attacks, 0U);
    EXPECT_EQ(summary->ignored, 2U);
    EXPECT_EQ(summary->probed_regions, (std::vector<std::string>{"default", "default"}));
}

TEST_F(IntakeTest, receives_an_upload_by_the_event_of_the_store_itself_without_a_look) {
    const auto upload = created();
    auto event = event_of(upload);
    event.client_metadata = {{"reason", "left at the door"}};
    event.version = "v1";
    EXPECT_EQ(take_in(itself, EventBatch{.events = {event}})->received, 1U);
    const auto received = now(upload.id);
    EXPECT_EQ(received.state, UploadState::uploaded);
    EXPECT_EQ(received.pinned->etag.str(), "etag-of-the-event");
    EXPECT_EQ(received.pinned->size, 24U);
    EXPECT_EQ(received.pinned->version->str(), "v1");
    EXPECT_EQ(received.client_metadata, event.client_metadata);
    EXPECT_EQ(store->calls("head"), 0U);
}

TEST_F(IntakeTest, takes_what_the_store_says_in_place_of_what_an_event_says) {
    const auto upload = put();
    auto event = event_of(upload);
    event.size = 1;
    event.version = "forged";
    event.client_metadata = {{"reason", "forged"}};
    EXPECT_EQ(take_in({event})->received, 1U);
    const auto received = now(upload.id);
    EXPECT_EQ(received.pinned->etag, etag_put);
    EXPECT_EQ(received.pinned->size, kOriginal.size());
    EXPECT_EQ(received.pinned->version, std::nullopt);
    EXPECT_TRUE(received.client_metadata.empty());
    EXPECT_EQ(store->calls("head"), 1U);
}

TEST_F(IntakeTest, notifies_of_nothing_that_the_store_does_not_have) {
    const auto upload = created();
    EXPECT_EQ(take_in({event_of(upload)})->unproven, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    EXPECT_TRUE(records.callbacks_of(upload.id).empty());
    store->write(incoming, upload.key, std::string{kOriginal});
    EXPECT_EQ(take_in({event_of(upload)})->received, 1U) << "the same event is no duplicate once it is true";
}

TEST_F(IntakeTest, an_event_that_a_store_refuses_to_confirm_is_looked_at_again_by_a_job) {
    const auto upload = put();
    refuse(ErrorCode::store_denied);
    const auto summary = take_in({event_of(upload), event_of(upload)});
    ASSERT_TRUE(summary) << "sent again it would end alike, and block the store's queue";
    EXPECT_EQ(summary->deferred, 2U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    EXPECT_TRUE(records.callbacks_of(upload.id).empty());
    ASSERT_EQ(records.jobs_of(upload.id).size(), 1U) << "one for an upload, however many events";
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    store->before = nullptr;
    run_one();
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
    EXPECT_EQ(now(upload.id).pinned->etag, etag_put);
    EXPECT_EQ(job_of(upload.id), model::JobKind::process);
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
}

TEST_F(IntakeTest, nothing_follows_from_an_event_of_nobodys_object_that_a_store_refuses_to_confirm) {
    const auto upload = created();
    auto stranger = event_of(upload), elsewhere = event_of(upload);
    stranger.key = "u/202611201234/upl_00000000000000000000000000";
    refuse(ErrorCode::store_denied);
    EXPECT_EQ(take_in({stranger})->deferred, 1U);
    records.change(upload.id, [](model::Upload& row) { row.region = "another"; });
    EXPECT_EQ(take_in({elsewhere})->deferred, 1U);
    EXPECT_TRUE(records.jobs_of(upload.id).empty());
}

TEST_F(IntakeTest, an_event_whose_job_can_not_be_kept_is_sent_again) {
    const auto upload = put();
    refuse(ErrorCode::store_denied);
    records.before = [](std::string_view call) -> std::optional<Error> {
        if (call != "queue_finding") return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(take_in({event_of(upload)}).error().code, ErrorCode::database_unavailable);
}

TEST_F(IntakeTest, a_job_looks_ever_less_often_and_not_for_ever) {
    const auto upload = put();
    refuse(ErrorCode::store_denied);
    ASSERT_TRUE(take_in({event_of(upload)}));
    std::chrono::microseconds last{0};
    for (std::uint32_t look = 1; look < jobs::FindObject::kMostLooks; ++look) {
        run_one();
        const auto left = records.jobs_of(upload.id);
        ASSERT_EQ(left.size(), 1U) << look;
        const auto pause = left[0].run_at - clock.now();
        EXPECT_GE(pause, std::min<std::chrono::microseconds>(std::chrono::seconds{1U << look},
                                                             std::chrono::seconds{60}));
        last = pause;
    }
    EXPECT_LE(last, std::chrono::seconds{61});
    run_one();
    EXPECT_TRUE(records.jobs_of(upload.id).empty());
    EXPECT_EQ(state_of(upload.id), UploadState::created) << "the reconciler goes on";
}

TEST_F(IntakeTest, a_job_of_an_upload_that_was_received_or_cancelled_looks_at_nothing) {
    const auto upload = put();
    refuse(ErrorCode::store_denied);
    ASSERT_TRUE(take_in({event_of(upload)}));
    ASSERT_TRUE(take_in(itself, EventBatch{.events = {event_of(upload)}}));
    const auto looks = store->calls("head");
    auto found = records.claim({.worker = "w", .kinds = {model::JobKind::find_object}}).value();
    ASSERT_EQ(found.size(), 1U);
    run(found.front());
    EXPECT_EQ(store->calls("head"), looks);
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
}

TEST_F(IntakeTest, the_same_event_again_is_a_duplicate) {
    const auto event = event_of(put());
    EXPECT_EQ(take_in({event})->received, 1U);
    EXPECT_EQ(take_in({event})->duplicate, 1U);
    const auto twice = take_in({event, event}).value();
    EXPECT_EQ(twice.duplicate, 2U);
}

TEST_F(IntakeTest, a_later_event_of_the_same_object_changes_nothing) {
    const auto upload = put();
    const auto first = etag_put;
    ASSERT_EQ(take_in({event_of(upload)})->received, 1U);
    store->write(incoming, upload.key, "other bytes");
    auto later = event_of(upload);
    later.sequencer = "2";
    later.etag = "another";
    EXPECT_EQ(take_in({later})->known, 1U);
    EXPECT_EQ(now(upload.id).pinned->etag, first);
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
}

TEST_F(IntakeTest, reports_an_event_for_an_unused_key_as_unknown) {
    auto event = event_of(created());
    event.key = "u/202611201234/upl_00000000000000000000000000";
    EXPECT_EQ(take_in({event})->unproven, 1U);
    store->write(incoming, ObjectKey::trusted(event.key), std::string{kOriginal});
    EXPECT_EQ(take_in({event})->unknown, 1U);
}

TEST_F(IntakeTest, ignores_other_buckets_other_prefixes_and_folders) {
    const auto upload = created();
    std::vector<StoreEvent> events(5, event_of(upload));
    events[0].bucket = "somebody-elses";
    events[1].bucket = published.str();
    events[2].key = "p/" + upload.public_id.str() + "/0123456789abcdef.jpg";
    events[3].key = upload.key.str() + "/";
    events[4].key = "";
    EXPECT_EQ(take_in(events)->ignored, 5U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
}

TEST_F(IntakeTest, ignores_events_of_a_source_for_another_region) {
    const auto upload = put();
    const EventBatch batch{.events = {event_of(upload)}};
    EXPECT_EQ(take_in({.name = "a", .regions = {"elsewhere"}, .authenticator = nullptr}, batch)->ignored, 1U);
    EXPECT_EQ(take_in({.name = "b", .regions = {}, .authenticator = nullptr}, batch)->ignored, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    EXPECT_EQ(take_in({.name = "c", .regions = {"elsewhere", "default"}, .authenticator = nullptr}, batch)
                  ->received,
              1U);
}

/// A second region, whose buckets have the names of the first one's.
class TwoRegions : public IntakeTest {
  protected:
    TwoRegions() {
        std::map<std::string, Store> all;
        for (const std::string name : {"eu", "us"}) {
            model::StoreRegion region;
            region.name = name;
            region.incoming = incoming;
            auto objects = std::make_unique<photogate::test::FakeStore>();
            at[name] = objects.get();
            all.emplace(name, Store{region, signer::Signer(region.signer, region.signing_region),
                                    std::move(objects)});
        }
        stores = Stores{std::move(all)};
    }
    static Source source_of(const std::string& region) {
        return {.name = region + "-events", .regions = {region}, .authenticator = nullptr};
    }
    model::Upload created_in(const std::string& region) {
        return created([&](model::Upload& upload) { upload.region = region; });
    }
    std::map<std::string, photogate::test::FakeStore*> at;
};

TEST_F(TwoRegions, an_event_is_taken_for_the_region_of_its_source) {
    const auto upload = created_in("us");
    const EventBatch batch{.events = {event_of(upload)}};
    for (const auto& [name, each] : at)
        each->write(incoming, upload.key, std::string{kOriginal});
    EXPECT_EQ(take_in(source_of("eu"), batch)->unknown, 1U) << "no upload of that region";
    EXPECT_EQ(state_of(upload.id), UploadState::created);
    EXPECT_EQ(take_in(source_of("us"), batch)->received, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

TEST_F(TwoRegions, the_store_that_is_asked_is_the_one_of_the_source) {
    const auto upload = created_in("us");
    const auto etag = at["us"]->write(incoming, upload.key, std::string{kOriginal});
    auto event = event_of(upload);
    event.etag.reset();
    EXPECT_EQ(take_in(source_of("us"), EventBatch{.events = {event}})->received, 1U);
    EXPECT_EQ(now(upload.id).pinned->etag, etag);
    EXPECT_EQ(at["us"]->calls("head"), 1U);
    EXPECT_EQ(at["eu"]->calls("head"), 0U);
}

TEST_F(TwoRegions, finds_an_incoming_bucket_among_the_given_regions_only) {
    const std::vector<std::string> eu{"eu"}, us{"us"}, both{"mars", "us"}, none;
    EXPECT_EQ(stores.find_incoming(eu, incoming.str()), stores.of("eu"));
    EXPECT_EQ(stores.find_incoming(us, incoming.str()), stores.of("us"));
    EXPECT_EQ(stores.find_incoming(both, incoming.str()), stores.of("us"));
    EXPECT_EQ(stores.find_incoming(none, incoming.str()), nullptr);
    EXPECT_EQ(stores.find_incoming(eu, "another"), nullptr);
}

TEST_F(IntakeTest, ignores_removals_and_unknown_operations) {
    const auto upload = created();
    std::vector<StoreEvent> events(2, event_of(upload));
    events[0].operation = StoreOperation::removed;
    events[1].operation = StoreOperation::other;
    EXPECT_EQ(take_in(events)->ignored, 2U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
}

TEST_F(IntakeTest, takes_form_posts_and_multipart_completions) {
    for (const auto operation : {StoreOperation::created_post, StoreOperation::created_multipart}) {
        auto event = event_of(put());
        event.operation = operation;
        EXPECT_EQ(take_in({event})->received, 1U);
    }
}

TEST_F(IntakeTest, a_copy_onto_a_clients_key_is_counted_as_an_attack_and_not_received) {
    const auto upload = created();
    auto event = event_of(upload);
    event.operation = StoreOperation::created_copy;
    EXPECT_EQ(take_in({event})->attacks, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::created);
}

TEST_F(IntakeTest, ignores_a_key_that_no_object_can_have) {
    auto event = event_of(created());
    event.key = "u/" + std::string(1'100, 'x');
    EXPECT_EQ(take_in({event})->ignored, 1U);
    event.key = "u/\xff\xfe";
    EXPECT_EQ(take_in({event})->ignored, 1U);
}

TEST_F(IntakeTest, asks_the_store_where_the_event_does_not_say_which_bytes) {
    const auto upload = created();
    const auto etag = store->write(incoming, upload.key, std::string{kOriginal});
    auto event = event_of(upload);
    event.etag.reset();
    event.size.reset();
    EXPECT_TRUE(Intake::may_block(itself, EventBatch{.events = {event}}));
    EXPECT_EQ(take_in(itself, EventBatch{.events = {event}})->received, 1U);
    EXPECT_EQ(now(upload.id).pinned->etag, etag);
    EXPECT_EQ(now(upload.id).pinned->size, kOriginal.size());
}

TEST_F(IntakeTest, needs_a_thread_that_may_wait_unless_the_store_itself_says_all) {
    const EventBatch batch{.events = {event_of(created())}};
    EXPECT_TRUE(Intake::may_block(outside, batch));
    EXPECT_FALSE(Intake::may_block(itself, batch));
    EXPECT_FALSE(Intake::may_block(outside, EventBatch{}));
}

TEST_F(IntakeTest, a_store_that_is_away_is_an_error_so_that_the_event_is_sent_again) {
    const auto first = event_of(put()), second = event_of(put());
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.key != first.key) return std::nullopt;
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    const auto answer = take_in({first, second});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(records.calls("observe"), 1U) << "what the store has confirmed is durable all the same";
}

TEST_F(IntakeTest, looks_of_one_batch_are_made_several_at_a_time) {
    std::vector<StoreEvent> events;
    for (std::size_t i = 0; i < Intake::kAskedAtOnce; ++i)
        events.push_back(event_of(put()));
    std::mutex mutex;
    std::condition_variable entered;
    std::size_t inside = 0;
    store->before = [&](const photogate::test::FakeStore::Call&) -> std::optional<Error> {
        std::unique_lock lock{mutex};
        ++inside;
        entered.notify_all();
        // Each look ends once all have begun. The limit only ends a test that fails.
        EXPECT_TRUE(
            entered.wait_for(lock, std::chrono::seconds{20}, [&] { return inside == Intake::kAskedAtOnce; }));
        return std::nullopt;
    };
    EXPECT_EQ(take_in(std::move(events))->received, Intake::kAskedAtOnce);
}

TEST_F(IntakeTest, what_a_slow_store_has_no_time_to_prove_is_looked_at_again_by_jobs) {
    std::vector<model::Upload> uploads;
    std::vector<StoreEvent> events;
    for (int i = 0; i < 1'000; ++i) {
        uploads.push_back(put());
        events.push_back(event_of(uploads.back()));
    }
    store->before = [&](const photogate::test::FakeStore::Call&) -> std::optional<Error> {
        clock.advance(std::chrono::seconds{1});
        return std::nullopt;
    };
    const auto summary = take_in(std::move(events));
    ASSERT_TRUE(summary) << "sent again it would take as long, and block the store's queue";
    const auto looks = store->calls("head");
    EXPECT_LE(looks, static_cast<std::size_t>(Intake::kLongestAsking.count()) + Intake::kAskedAtOnce);
    EXPECT_EQ(summary->received, looks);
    EXPECT_EQ(summary->deferred, 1'000 - looks);
    EXPECT_EQ(state_of(uploads.back().id), UploadState::created);
    const auto left =
        records.claim({.worker = "w", .most = 1'000, .kinds = {model::JobKind::find_object}}).value();
    ASSERT_EQ(left.size(), 1'000 - looks);
    run(left.back());
    EXPECT_EQ(state_of(left.back().upload.id), UploadState::uploaded);
}

TEST_F(IntakeTest, a_batch_that_a_slow_store_fails_in_is_sent_again) {
    std::vector<StoreEvent> events;
    for (int i = 0; i < 100; ++i)
        events.push_back(event_of(put()));
    store->before = [&](const photogate::test::FakeStore::Call&) -> std::optional<Error> {
        clock.advance(std::chrono::seconds{1});
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(take_in(std::move(events)).error().code, ErrorCode::store_unavailable);
    EXPECT_LE(store->calls("head"),
              static_cast<std::size_t>(Intake::kLongestAsking.count()) + Intake::kAskedAtOnce);
}

TEST_F(IntakeTest, a_database_that_is_away_is_an_error) {
    const auto event = event_of(put());
    records.before = [](std::string_view call) -> std::optional<Error> {
        if (call != "observe") return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    const auto answer = take_in({event, event});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::database_unavailable);
}

TEST_F(IntakeTest, quarantines_a_body_that_it_does_not_understand) {
    const Intake::ParsedBody batch = fail(ErrorCode::bad_request, "not JSON");
    EXPECT_TRUE(Intake::may_block(itself, batch));
    EXPECT_EQ(take_in(batch)->quarantined, 1U);
    EXPECT_EQ(records.quarantined(), std::vector<std::string>{"not JSON"});
}

TEST_F(IntakeTest, unreadable_records_do_not_keep_the_others_from_counting) {
    EventBatch batch;
    batch.unreadable = {"no key", "no bucket"};
    batch.events = {event_of(put())};
    const auto summary = take_in(batch).value();
    EXPECT_EQ(summary.quarantined, 2U);
    EXPECT_EQ(summary.received, 1U);
}

TEST_F(IntakeTest, a_body_that_can_not_be_quarantined_is_an_error) {
    records.before = [](std::string_view call) -> std::optional<Error> {
        if (call != "quarantine_event") return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    const Intake::ParsedBody batch = fail(ErrorCode::bad_request, "not JSON");
    EXPECT_EQ(take_in(batch).error().code, ErrorCode::database_unavailable);
}

TEST_F(IntakeTest, an_empty_batch_is_answered) {
    EXPECT_FALSE(Intake::may_block(outside, EventBatch{}));
    EXPECT_EQ(take_in(EventBatch{})->received, 0U);
}

// ---- put again after the end

TEST_F(IntakeTest, an_object_of_an_upload_that_has_ended_is_removed_at_once_and_its_timeline_says_so) {
    const auto cancelled = created();
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, cancelled.id));
    run_one();
    const auto published_one = received();
    run_one(), run_one();
    const auto deleted = received();
    run_one(), run_one();
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, deleted.id));
    run_one(), run_one();
    process_image = [](const imaging::Task&) {
        return imaging::Outcome{imaging::Rejection{imaging::RejectionCode::corrupt, ""}};
    };
    const auto rejected = received();
    run_one(), run_one();
    for (const auto* upload : {&cancelled, &published_one, &deleted, &rejected}) {
        ASSERT_EQ(job_of(upload->id), std::nullopt) << "settled";
        store->write(incoming, upload->key, std::string{kOriginal});
        EXPECT_EQ(take_in({event_of(*upload)})->unwanted, 1U);
        EXPECT_FALSE(records.has_jobs(upload->id).value()) << "nobody waits for it";
        run_one();
        EXPECT_FALSE(store->has(incoming, upload->key));
        EXPECT_EQ(records.timeline(std::nullopt, upload->id)->back().event, "object.unwanted");
    }
    EXPECT_EQ(state_of(published_one.id), UploadState::published);
    EXPECT_TRUE(store->has(published, image_key(published_one)));
    EXPECT_TRUE(store->has(originals, model::original_key(published_one.id))) << "the one that was kept";
}

TEST_F(IntakeTest, a_late_event_of_an_original_that_is_settled_changes_nothing) {
    const auto upload = received();
    run_one(), run_one();
    const auto before = records.timeline(std::nullopt, upload.id)->size();
    EXPECT_EQ(take_in({event_of(upload)})->unproven, 1U);
    EXPECT_TRUE(records.jobs_of(upload.id).empty());
    EXPECT_EQ(records.timeline(std::nullopt, upload.id)->size(), before);
}

TEST_F(IntakeTest, an_original_that_is_still_to_be_moved_is_not_removed_as_a_late_one) {
    const auto upload = received();
    run_one();
    auto event = event_of(upload);
    EXPECT_EQ(take_in({event})->unwanted, 1U) << "the original itself, still there";
    records.all_due();
    auto jobs = records.claim({.worker = "w", .most = 10}).value();
    ASSERT_EQ(jobs.size(), 2U);
    const auto late =
        std::find_if(jobs.begin(), jobs.end(), [](const auto& job) { return !job.slot.empty(); });
    run(*late);
    EXPECT_TRUE(store->has(incoming, upload.key)) << "it waits for the other";
    run(late == jobs.begin() ? jobs.at(1) : jobs.at(0));
    EXPECT_TRUE(store->has(originals, model::original_key(upload.id)));
    run_one();
    EXPECT_TRUE(records.jobs_of(upload.id).empty());
    EXPECT_NE(records.timeline(std::nullopt, upload.id)->back().event, "object.unwanted");
}

TEST_F(IntakeTest, many_late_events_queue_one_removal) {
    const auto upload = received();
    run_one(), run_one();
    for (int i = 0; i < 5; ++i) {
        store->write(incoming, upload.key, std::string(10, static_cast<char>('a' + i)));
        auto event = event_of(upload);
        event.sequencer = std::to_string(i + 10);
        EXPECT_EQ(take_in({event})->unwanted, 1U);
    }
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
}

TEST_F(IntakeTest, an_object_of_an_expired_upload_is_received) {
    const auto upload = put();
    records.change(upload.id, [](model::Upload& changed) { changed.state = UploadState::expired; });
    EXPECT_EQ(take_in({event_of(upload)})->received, 1U);
    EXPECT_EQ(state_of(upload.id), UploadState::uploaded);
}

// ---- the client's word

TEST_F(IntakeTest, complete_looks_at_the_store_and_receives) {
    const auto upload = created();
    const auto etag = store->write(incoming, upload.key, std::string{kOriginal});
    const auto completed = intake.complete(upload.app, upload.id);
    ASSERT_TRUE(completed);
    EXPECT_EQ(completed->state, UploadState::uploaded);
    EXPECT_EQ(completed->pinned->etag, etag);
}

TEST_F(IntakeTest, complete_without_an_object_is_object_not_found) {
    const auto upload = created();
    const auto error = intake.complete(upload.app, upload.id).error();
    EXPECT_EQ(error.code, ErrorCode::object_not_found);
    EXPECT_NE(error.detail.find("answers 412 to the upload has the object already"), std::string::npos)
        << "what a client needs to know whose PUT was answered 412: " << error.detail;
    EXPECT_EQ(state_of(upload.id), UploadState::created);
}

TEST_F(IntakeTest, complete_of_another_apps_upload_is_upload_not_found) {
    const auto upload = created();
    EXPECT_EQ(intake.complete(AppName::trusted("another"), upload.id).error().code,
              ErrorCode::upload_not_found);
    EXPECT_EQ(store->calls("head"), 0U);
}

TEST_F(IntakeTest, complete_of_what_is_received_looks_at_nothing) {
    const auto upload = received();
    EXPECT_EQ(intake.complete(upload.app, upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(store->calls("head"), 0U);
}

TEST_F(IntakeTest, complete_says_that_the_region_is_not_configured_any_more) {
    const auto upload = created([](model::Upload& made) { made.region = "elsewhere"; });
    EXPECT_EQ(intake.complete(upload.app, upload.id).error().code, ErrorCode::unknown_region);
}

TEST_F(IntakeTest, complete_passes_on_that_the_store_is_away) {
    const auto upload = created();
    store->before = [](const photogate::test::FakeStore::Call&) {
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    EXPECT_EQ(intake.complete(upload.app, upload.id).error().code, ErrorCode::store_unavailable);
}

TEST_F(IntakeTest, complete_and_the_event_receive_once) {
    const auto upload = created();
    store->write(incoming, upload.key, std::string{kOriginal});
    store->before = [&](const photogate::test::FakeStore::Call& call) -> std::optional<Error> {
        if (call.name == "head") {
            EXPECT_EQ(take_in(itself, EventBatch{.events = {event_of(upload)}})->received, 1U);
        }
        return std::nullopt;
    };
    EXPECT_EQ(intake.complete(upload.app, upload.id)->state, UploadState::uploaded);
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
    EXPECT_EQ(records.callbacks_of(upload.id).size(), 1U);
    EXPECT_EQ(now(upload.id).generation, 1U);
}

}  // namespace
}  // namespace photogate::pipeline::test
