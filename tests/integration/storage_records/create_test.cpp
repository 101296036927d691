// t1 and t2: creations and observations, alone and in groups.
#include <set>
#include <thread>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using CreateTest = RecordsTest;
using ObserveTest = RecordsTest;

TEST_F(CreateTest, returns_upload_as_requested) {
    const auto item = new_upload();
    ASSERT_TRUE(try_create(item));
    const auto found = records->uploads.find(item.upload.app, item.upload.id).value();
    EXPECT_EQ(found.state, model::UploadState::created);
    EXPECT_EQ(found.public_id, item.upload.public_id);
    EXPECT_EQ(found.key, item.upload.key);
    EXPECT_EQ(found.filename, item.upload.filename);
    EXPECT_EQ(found.declared_size, item.upload.declared_size);
    EXPECT_EQ(found.declared_sha256, std::nullopt);
    EXPECT_EQ(found.metadata, item.upload.metadata);
    EXPECT_EQ(found.client_fields, item.upload.client_fields);
    EXPECT_EQ(found.created_at, item.upload.created_at);
    EXPECT_EQ(found.expires_at, item.upload.expires_at);
}

TEST_F(CreateTest, keeps_text_with_copy_metacharacters) {
    for (const std::string text :
         {"\\N", "\\.", "\\", "tab\tline\nreturn\r\b\f\v", "{\"a\",NULL}", "", "ü\u2028\U0001F4F7"}) {
        auto item = new_upload();
        item.upload.filename = text;
        item.upload.metadata = {{"note", text}};
        item.upload.client_fields = {text, "NULL"};
        ASSERT_TRUE(try_create(item)) << text;
        const auto found = records->uploads.find(item.upload.app, item.upload.id).value();
        EXPECT_EQ(found.filename, text);
        EXPECT_EQ(found.metadata, item.upload.metadata);
        EXPECT_EQ(found.client_fields, item.upload.client_fields);
    }
}

TEST_F(CreateTest, hides_upload_from_other_apps) {
    const auto upload = create("one");
    EXPECT_EQ(records->uploads.find(AppName::trusted("two"), upload.id).error().code,
              ErrorCode::upload_not_found);
    EXPECT_EQ(records->uploads.timeline(AppName::trusted("two"), upload.id).error().code,
              ErrorCode::upload_not_found);
    EXPECT_EQ(records->uploads.cancel_or_delete(AppName::trusted("two"), upload.id).error().code,
              ErrorCode::upload_not_found);
    EXPECT_EQ(records->uploads.extend_grant(AppName::trusted("two"), upload.id, clock.now()).error().code,
              ErrorCode::upload_not_found);
}

TEST_F(CreateTest, creates_one_upload_for_sixteen_callers_with_one_key) {
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::set<std::string> ids;
    int created = 0;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&] {
            auto item = new_upload();
            item.idempotency = IdempotencyKey{"key-1", "hash"};
            const auto result = try_create(item);
            const std::lock_guard lock{mutex};
            ASSERT_TRUE(result) << result.error().detail;
            ids.insert(result->upload.id.str());
            created += result->how == Created::How::created ? 1 : 0;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(created, 1);
    EXPECT_EQ(database.value("select count(*) from uploads"), "1");
}

TEST_F(CreateTest, rejects_key_reuse_with_another_request_and_separates_apps) {
    auto item = new_upload("one");
    item.idempotency = IdempotencyKey{"k", "h1"};
    ASSERT_TRUE(try_create(item));
    auto other = new_upload("one");
    other.idempotency = IdempotencyKey{"k", "h2"};
    EXPECT_EQ(try_create(other).error().code, ErrorCode::idempotency_key_reused);
    auto elsewhere = new_upload("two");
    elsewhere.idempotency = IdempotencyKey{"k", "h2"};
    EXPECT_EQ(try_create(elsewhere).value().how, Created::How::created);
}

TEST_F(CreateTest, expires_idempotency_key_after_a_day) {
    auto item = new_upload();
    item.idempotency = IdempotencyKey{"k", "h1"};
    ASSERT_TRUE(try_create(item));
    clock.advance(std::chrono::hours{23});
    auto again = new_upload();
    again.idempotency = IdempotencyKey{"k", "h1"};
    EXPECT_EQ(try_create(again).value().upload.id, item.upload.id);
    clock.advance(std::chrono::hours{1});
    auto later = new_upload();
    later.idempotency = IdempotencyKey{"k", "h2"};
    EXPECT_EQ(try_create(later).value().how, Created::How::created);
}

TEST_F(CreateTest, replays_upload_in_its_current_state) {
    auto item = new_upload();
    item.idempotency = IdempotencyKey{"k", "h"};
    ASSERT_TRUE(try_create(item));
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, item.upload.id));
    auto again = new_upload();
    again.idempotency = IdempotencyKey{"k", "h"};
    const auto replay = try_create(again).value();
    EXPECT_EQ(replay.how, Created::How::replayed);
    EXPECT_EQ(replay.upload.state, model::UploadState::cancelled);
}

TEST_F(CreateTest, fails_only_the_row_that_can_not_be_stored) {
    std::vector<std::future<Result<Created>>> futures;
    for (int i = 0; i < 100; ++i) {
        auto item = new_upload();
        if (i % 10 == 3) item.upload.filename = std::string("a\0b", 3);
        if (i % 10 == 7) item.upload.declared_size = UINT64_MAX;
        auto promise = std::make_shared<std::promise<Result<Created>>>();
        futures.push_back(promise->get_future());
        records->uploads.create(
            std::move(item), [promise](Result<Created> created) { promise->set_value(std::move(created)); });
    }
    for (std::size_t i = 0; i < futures.size(); ++i) {
        const auto result = futures[i].get();
        if (i % 10 == 3 || i % 10 == 7) {
            EXPECT_EQ(result.error().code, ErrorCode::database_constraint) << i;
        } else {
            EXPECT_TRUE(result) << i;
        }
    }
    EXPECT_EQ(database.value("select count(*) from uploads"), "80");
}

TEST_F(ObserveTest, pins_queues_and_notifies_in_one_transaction) {
    const auto upload = create();
    EXPECT_EQ(observe(seen(upload, "abc", "event-1")).value(), ObserveOutcome::received);
    const auto found = records->uploads.find(std::nullopt, upload.id).value();
    EXPECT_EQ(found.state, model::UploadState::uploaded);
    EXPECT_EQ(found.pinned->etag.str(), "abc");
    EXPECT_EQ(found.generation, 1U);
    EXPECT_EQ(found.sequence, 1);
    EXPECT_EQ(database.value("select count(*) from jobs where kind = 'process'"), "1");
    EXPECT_EQ(database.value("select body from callbacks"),
              "upload.received 1 uploaded pick\"up, {42}\\.jpg");
}

TEST_F(ObserveTest, creates_one_job_and_callback_for_ten_concurrent_events) {
    const auto upload = create();
    auto other = open();
    std::atomic<int> received{0}, rest{0};
    std::vector<std::future<void>> answers;
    for (int i = 0; i < 10; ++i) {
        auto answered = std::make_shared<std::promise<void>>();
        answers.push_back(answered->get_future());
        (i % 2 == 0 ? records : other)
            ->arrivals.observe(seen(upload, "abc", "event-1"), [&, answered](Result<ObserveOutcome> outcome) {
                ASSERT_TRUE(outcome);
                ++(*outcome == ObserveOutcome::received ? received : rest);
                answered->set_value();
            });
    }
    for (auto& answer : answers)
        answer.get();
    EXPECT_EQ(received, 1);
    EXPECT_EQ(rest, 9);
    EXPECT_EQ(database.value("select count(*) from jobs"), "1");
    EXPECT_EQ(database.value("select count(*) from callbacks"), "1");
}

TEST_F(ObserveTest, moves_upload_once_for_concurrent_completions_and_event) {
    for (int round = 0; round < 30; ++round) {
        const auto upload = create();
        std::atomic<int> received{0};
        std::vector<std::future<void>> answers;
        for (int i = 0; i < 3; ++i) {
            auto answered = std::make_shared<std::promise<void>>();
            answers.push_back(answered->get_future());
            auto event = i == 0 ? std::optional<std::string>{upload.id.str()} : std::nullopt;
            records->arrivals.observe(seen(upload, "abc", event),
                                      [&, answered](Result<ObserveOutcome> outcome) {
                                          received += outcome.value() == ObserveOutcome::received ? 1 : 0;
                                          answered->set_value();
                                      });
        }
        for (auto& answer : answers)
            answer.get();
        ASSERT_EQ(received, 1);
    }
    EXPECT_EQ(database.value("select count(*) from jobs"), "30");
    EXPECT_EQ(database.value("select count(*) from callbacks"), "30");
}

TEST_F(ObserveTest, keeps_pin_and_records_later_object) {
    const auto upload = received();
    EXPECT_EQ(observe(seen(upload, "e2", "later")).value(), ObserveOutcome::already_known);
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id).value().pinned->etag.str(), "e1");
    std::vector<std::string> events;
    const auto timeline = records->uploads.timeline(std::nullopt, upload.id).value();
    for (const auto& entry : timeline)
        events.push_back(entry.event);
    EXPECT_EQ(events, (std::vector<std::string>{"created", "received", "object.changed"}));
}

TEST_F(ObserveTest, accepts_late_object_of_expired_upload) {
    const auto upload = in_state(model::UploadState::expired);
    EXPECT_EQ(observe(seen(upload)).value(), ObserveOutcome::received);
    EXPECT_EQ(state_of(upload.id), model::UploadState::uploaded);
}

TEST_F(ObserveTest, queues_removal_of_late_object_of_cancelled_upload) {
    const auto upload = in_state(model::UploadState::cancelled);
    database.run("delete from jobs");
    EXPECT_EQ(observe(seen(upload, "late")).value(), ObserveOutcome::unwanted);
    const auto job = claim_one();
    EXPECT_EQ(job.kind, model::JobKind::dispose_original);
    EXPECT_EQ(job.detail, "remove");
    EXPECT_TRUE(job.slot.starts_with(model::kLateSlot));
    EXPECT_EQ(state_of(upload.id), model::UploadState::cancelled);
}

TEST_F(ObserveTest, queues_removal_of_what_is_put_after_the_end_once_while_it_waits_and_anew_while_it_runs) {
    for (const auto state : {model::UploadState::published, model::UploadState::rejected,
                             model::UploadState::cancelled, model::UploadState::deleted}) {
        const auto upload = in_state(state);
        database.run("delete from jobs");
        const auto jobs = [&] {
            return database.value("select count(*) from jobs where subject_id = '" + upload.id.str() + "'");
        };
        EXPECT_EQ(observe(seen(upload, "late")).value(), ObserveOutcome::unwanted);
        EXPECT_EQ(observe(seen(upload, "later")).value(), ObserveOutcome::unwanted);
        EXPECT_EQ(jobs(), "1");
        EXPECT_FALSE(records->uploads.has_jobs(upload.id).value()) << "nobody waits for it";
        const auto running = claim_one();
        EXPECT_EQ(observe(seen(upload, "latest")).value(), ObserveOutcome::unwanted);
        EXPECT_EQ(jobs(), "2") << "the one that runs may have looked before";
        EXPECT_TRUE(records->jobs.finish_cleanup(running.lease,
                                                 model::TimelineNote{"object.unwanted", {{"etag", "late"}}}));
        EXPECT_EQ(records->uploads.timeline(std::nullopt, upload.id)->back().event, "object.unwanted");
        EXPECT_TRUE(records->jobs.finish_cleanup(claim_one().lease));
        EXPECT_EQ(state_of(upload.id), state);
    }
}

TEST_F(ObserveTest, notes_what_a_client_repeats_twenty_times_and_no_more) {
    const auto upload = received();
    for (int i = 0; i < 30; ++i)
        EXPECT_EQ(observe(seen(upload, "e" + std::to_string(100 + i))).value(),
                  ObserveOutcome::already_known);
    EXPECT_EQ(database.value("select count(*) from timeline where event = 'object.changed'"), "20");
}

TEST_F(ObserveTest, stores_hostile_text_safely) {
    const auto upload = create();
    auto hostile = seen(upload, "abc", "event");
    hostile.source = std::string("a\0b\xff", 4);
    hostile.client_metadata = {{std::string("k\0", 2), "\xc3\x28"}, {"quote", "\"},{\\"}};
    hostile.object.size = UINT64_MAX;
    EXPECT_EQ(observe(hostile).value(), ObserveOutcome::received);
    auto alien = seen(upload);
    alien.key = ObjectKey::trusted(std::string("u/\0x", 4));
    EXPECT_EQ(observe(alien).value(), ObserveOutcome::unknown);
    alien.key = ObjectKey::trusted("not/ours'; drop table uploads; --");
    EXPECT_EQ(observe(alien).value(), ObserveOutcome::unknown);
    EXPECT_TRUE(records->arrivals.quarantine_event("minio", "nonsense", std::string(200'000, '\0')));
    EXPECT_EQ(database.value("select length(body) from event_quarantine"), "65536");
}

TEST_F(ObserveTest, lists_minutes_with_open_grants_and_distinguishes_waiting_keys) {
    const auto waiting = create();
    const auto there = received();
    EXPECT_EQ(records->arrivals.still_waiting({waiting.key, there.key, ObjectKey::trusted("alien")}).value(),
              std::vector<ObjectKey>{waiting.key});
    const auto prefix = waiting.key.str().substr(0, 15);
    EXPECT_EQ(records->upkeep.open_minutes(std::chrono::seconds{900}, std::chrono::hours{1}).value(),
              std::vector<std::string>{prefix});
    EXPECT_TRUE(records->upkeep.past_grant({}, std::chrono::seconds{900}, 10).value().empty());
    clock.advance(std::chrono::minutes{31});
    EXPECT_TRUE(
        records->upkeep.open_minutes(std::chrono::seconds{900}, std::chrono::hours{1}).value().empty());
    EXPECT_EQ(records->upkeep.past_grant({}, std::chrono::seconds{900}, 10).value().size(), 1U);
    EXPECT_TRUE(records->upkeep.expire(waiting.id).value());
    EXPECT_FALSE(records->upkeep.expire(waiting.id).value());
    EXPECT_FALSE(records->upkeep.expire(there.id).value());
    EXPECT_EQ(records->uploads.extend_grant(waiting.app, waiting.id, clock.now() + std::chrono::minutes{5})
                  .value()
                  .state,
              model::UploadState::created);
    const auto longer = records->uploads.find(std::nullopt, waiting.id)->expires_at;
    EXPECT_EQ(records->uploads.extend_grant(waiting.app, waiting.id, clock.now())->expires_at, longer)
        << "the URL that was signed for longer is still good";
    EXPECT_EQ(records->uploads.extend_grant(there.app, there.id, clock.now()).error().code,
              ErrorCode::state_conflict);
}

TEST_F(ObserveTest, observation_in_another_region_does_not_move_the_upload) {
    const auto upload = create();
    auto elsewhere = seen(upload, "e1", std::string(64, 'e'));
    elsewhere.region = "elsewhere";
    EXPECT_EQ(observe(elsewhere).value(), ObserveOutcome::unknown);
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id)->state, model::UploadState::created);
    EXPECT_EQ(observe(seen(upload)).value(), ObserveOutcome::received);
}

}  // namespace
}  // namespace photogate::storage::records::test
