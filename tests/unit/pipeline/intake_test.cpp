#include "pipeline/intake.hpp"

#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using model::UploadState;
using notifier::events::EventBatch;
using notifier::events::Source;
using notifier::events::StoreEvent;
using notifier::events::StoreOperation;

class IntakeTest : public PipelineTest {
  protected:
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

    Intake intake{records, records, stores, clock};
};

TEST_F(IntakeTest, receives_an_upload_by_its_event) {
    const auto upload = created();
    auto event = event_of(upload);
    event.client_metadata = {{"reason", "left at the door"}};
    event.version = "v1";
    EXPECT_EQ(take_in({event})->received, 1U);
    const auto received = now(upload.id);
    EXPECT_EQ(received.state, UploadState::uploaded);
    EXPECT_EQ(received.pinned->etag.str(), "etag-of-the-event");
    EXPECT_EQ(received.pinned->size, 24U);
    EXPECT_EQ(received.pinned->version->str(), "v1");
    EXPECT_EQ(received.client_metadata, event.client_metadata);
    EXPECT_EQ(store->calls("head"), 0U) << "an event that says all needs no look";
}

TEST_F(IntakeTest, the_same_event_again_is_a_duplicate) {
    const auto event = event_of(created());
    EXPECT_EQ(take_in({event})->received, 1U);
    EXPECT_EQ(take_in({event})->duplicate, 1U);
    const auto twice = take_in({event, event}).value();
    EXPECT_EQ(twice.duplicate, 2U);
}

TEST_F(IntakeTest, a_later_event_of_the_same_object_changes_nothing) {
    const auto upload = created();
    ASSERT_EQ(take_in({event_of(upload)})->received, 1U);
    auto later = event_of(upload);
    later.sequencer = "2";
    later.etag = "another";
    EXPECT_EQ(take_in({later})->known, 1U);
    EXPECT_EQ(now(upload.id).pinned->etag.str(), "etag-of-the-event");
    EXPECT_EQ(records.jobs_of(upload.id).size(), 1U);
}

TEST_F(IntakeTest, an_event_for_a_key_that_nobody_has_is_unknown) {
    auto event = event_of(created());
    event.key = "u/202611201234/upl_00000000000000000000000000";
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
    const auto upload = created();
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
        auto event = event_of(created());
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
    EXPECT_TRUE(Intake::may_block(EventBatch{.events = {event}}));
    EXPECT_EQ(take_in({event})->received, 1U);
    EXPECT_EQ(now(upload.id).pinned->etag, etag);
    EXPECT_EQ(now(upload.id).pinned->size, kOriginal.size());
}

TEST_F(IntakeTest, an_event_without_an_etag_for_an_object_that_is_gone_is_unknown) {
    auto event = event_of(created());
    event.etag.reset();
    EXPECT_EQ(take_in({event})->unknown, 1U);
}

TEST_F(IntakeTest, a_store_that_is_away_is_an_error_so_that_the_event_is_sent_again) {
    const auto upload = created();
    auto blind = event_of(upload);
    blind.etag.reset();
    const auto other = event_of(created());
    store->before = [](const photogate::test::FakeStore::Call&) {
        return Error{ErrorCode::store_unavailable, "", {}, std::nullopt};
    };
    const auto answer = take_in({blind, other});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(records.calls("observe"), 1U) << "what does not need the store is durable all the same";
}

TEST_F(IntakeTest, a_database_that_is_away_is_an_error) {
    const auto event = event_of(created());
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
    EXPECT_TRUE(Intake::may_block(batch));
    EXPECT_EQ(take_in(batch)->quarantined, 1U);
    EXPECT_EQ(records.quarantined(), std::vector<std::string>{"not JSON"});
}

TEST_F(IntakeTest, unreadable_records_do_not_keep_the_others_from_counting) {
    EventBatch batch;
    batch.unreadable = {"no key", "no bucket"};
    batch.events = {event_of(created())};
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
    EXPECT_FALSE(Intake::may_block(EventBatch{}));
    EXPECT_EQ(take_in(EventBatch{})->received, 0U);
}

TEST_F(IntakeTest, a_late_object_of_a_cancelled_upload_is_removed_by_a_job) {
    const auto upload = created();
    ASSERT_TRUE(records.cancel_or_delete(std::nullopt, upload.id));
    run_one();
    ASSERT_EQ(job_of(upload.id), std::nullopt);
    store->write(incoming, upload.key, std::string{kOriginal});
    EXPECT_EQ(take_in({event_of(upload)})->known, 1U);
    run_one();
    EXPECT_FALSE(store->has(incoming, upload.key));
}

TEST_F(IntakeTest, an_object_of_an_expired_upload_is_received) {
    const auto upload = created();
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
    EXPECT_EQ(intake.complete(upload.app, upload.id).error().code, ErrorCode::object_not_found);
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
            EXPECT_EQ(take_in({event_of(upload)})->received, 1U);
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
