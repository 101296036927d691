// Callback URLs that fail: their breaker, their way back, and pauses, on a clock that the test moves.
#include <algorithm>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;
using State = model::CallbackEndpoint::State;
using Verdict = model::CallbackAttempt::Verdict;

const std::string kSick = "https://sick.example/hook";

class EndpointTest : public RecordsTest {
  protected:
    std::vector<model::Callback> claim(std::size_t most = 20, std::size_t per_url = 8) {
        return records->outbox.claim(most, per_url, 60s).value();
    }
    void answer(const model::Callback& callback, std::optional<int> status, bool pause = false) {
        model::CallbackAttempt made;
        made.callback = callback.id;
        made.lease_token = callback.lease_token;
        made.endpoint = callback.endpoint();
        made.at = clock.now();
        made.status = status;
        const bool taken = status == 204;
        made.error = taken ? "" : status ? "status" : "timeout";
        made.verdict = taken ? Verdict::delivered : Verdict::again;
        made.next_attempt_at = clock.now() + 5s;
        made.pause_endpoint = pause;
        ASSERT_TRUE(record(std::move(made)));
    }
    std::optional<model::CallbackEndpoint> endpoint(const std::string& url = kSick) {
        const auto all = records->outbox.endpoints({}).value();
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.key.url == url; });
        return found == all.end() ? std::nullopt : std::make_optional(*found);
    }
    /// Until the breaker opens: ten failures, eight at a time.
    void fail_until_open() {
        for (int i = 0; i < 30; ++i)
            received("sick");
        for (int round = 0; round < 2; ++round) {
            for (const auto& callback : claim())
                answer(callback, 500);
        }
        ASSERT_EQ(endpoint()->state, State::open);
    }
    Timestamp probe_at() { return *endpoint()->probe_at; }
};

TEST_F(EndpointTest, opens_breaker_after_ten_consecutive_failures) {
    fail_until_open();
    const auto sick = *endpoint();
    EXPECT_EQ(sick.failures, 10U);
    EXPECT_EQ(sick.last_status, 500);
    EXPECT_EQ(sick.last_error, "status");
    EXPECT_EQ(sick.waiting, 30U);
    EXPECT_GE(probe_at() - clock.now(), 4s);
    EXPECT_LE(probe_at() - clock.now(), 6s);
    EXPECT_TRUE(claim().empty());
    EXPECT_EQ(records->gauges.backlog().value().endpoints.open, 1U);
    received("well");
    EXPECT_EQ(claim().size(), 1U) << "another URL is not held";
}

TEST_F(EndpointTest, keeps_breaker_closed_after_nine_failures_and_a_success) {
    for (int i = 0; i < 30; ++i)
        received("sick");
    for (int round = 0; round < 3; ++round) {
        auto claimed = claim();
        for (std::size_t i = 0; i < claimed.size(); ++i)
            answer(claimed[i], i + 1 == claimed.size() ? 204 : 500);
    }
    EXPECT_EQ(endpoint(), std::nullopt);
}

TEST_F(EndpointTest, does_not_extend_wait_for_attempts_in_flight_at_opening) {
    for (int i = 0; i < 30; ++i)
        received("sick");
    const auto claimed = claim(20, 20);
    for (const auto& callback : claimed)
        answer(callback, std::nullopt);
    EXPECT_EQ(endpoint()->failures, 10U);
    EXPECT_EQ(endpoint()->last_error, "timeout");
}

TEST_F(EndpointTest, tries_one_when_half_open_and_doubles_wait_up_to_a_minute) {
    fail_until_open();
    for (const auto expected : {10s, 20s, 40s, 60s, 60s}) {
        clock.advance(probe_at() - clock.now());
        EXPECT_EQ(endpoint()->state, State::half_open);
        const auto probe = claim();
        ASSERT_EQ(probe.size(), 1U);
        EXPECT_TRUE(claim().empty()) << "one at a time";
        answer(probe[0], 503);
        EXPECT_GE((probe_at() - clock.now()) * 5, expected * 4);
        EXPECT_LE((probe_at() - clock.now()) * 5, expected * 6);
        EXPECT_TRUE(claim().empty());
    }
    std::size_t untouched = 0;
    const auto all = records->outbox.list({}).value();
    for (const auto& each : all)
        untouched += each.callback.attempts == 0 ? 1 : 0;
    EXPECT_EQ(untouched, 30U - 16U - 5U) << "what was held back used up no attempt";
}

TEST_F(EndpointTest, doubles_share_each_second_after_first_success_until_closed) {
    for (int i = 0; i < 60; ++i)
        received("sick");
    fail_until_open();
    clock.advance(probe_at() - clock.now());
    auto claimed = claim();
    ASSERT_EQ(claimed.size(), 1U);
    answer(claimed[0], 204);
    EXPECT_EQ(endpoint()->state, State::recovering);
    for (const std::size_t share : {2U, 4U}) {
        for (int more = 0; more < 3; ++more) {
            claimed = claim();
            EXPECT_EQ(claimed.size(), share);
            for (const auto& callback : claimed)
                answer(callback, 204);
        }
        clock.advance(1s);
        claimed = claim();
        EXPECT_EQ(claimed.size(), share);
        for (const auto& callback : claimed)
            answer(callback, 204);
    }
    EXPECT_EQ(endpoint(), std::nullopt);
    EXPECT_EQ(claim().size(), 8U);
}

TEST_F(EndpointTest, closes_after_an_idle_minute_of_recovery) {
    fail_until_open();
    clock.advance(probe_at() - clock.now());
    answer(claim().at(0), 204);
    clock.advance(50s);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(endpoint()->state, State::recovering);
    clock.advance(60s);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(endpoint(), std::nullopt);
}

TEST_F(EndpointTest, forgets_endpoint_once_nothing_waits_for_it) {
    received("sick");
    answer(claim().at(0), 500);
    clock.advance(97h);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(endpoint()->state, State::failing) << "its callback still waits";
    database.run("update callbacks set state = 'dead', next_attempt_at = null, finished_at = now()");
    clock.advance(1min);
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(endpoint(), std::nullopt);
}

TEST_F(EndpointTest, resets_share_to_one_on_failure_during_recovery) {
    fail_until_open();
    clock.advance(probe_at() - clock.now());
    answer(claim().at(0), 204);
    const auto two = claim();
    ASSERT_EQ(two.size(), 2U);
    answer(two[0], 500);
    answer(two[1], 500);
    EXPECT_EQ(claim().size(), 1U);
    EXPECT_EQ(endpoint()->failures, 2U);
}

TEST_F(EndpointTest, never_opens_when_disabled) {
    records = open({.breaker = {.after = 0}});
    for (int i = 0; i < 12; ++i)
        received("sick");
    for (const auto& callback : claim(20, 20))
        answer(callback, 500);
    EXPECT_EQ(endpoint()->state, State::failing);
    EXPECT_EQ(endpoint()->failures, 12U);
    clock.advance(10s);
    EXPECT_EQ(claim(20, 20).size(), 12U);
}

TEST_F(EndpointTest, shares_breaker_between_gateways) {
    fail_until_open();
    const auto other = open();
    EXPECT_TRUE(other->outbox.claim(20, 8, 60s).value().empty());
    clock.advance(probe_at() - clock.now());
    EXPECT_EQ(other->outbox.claim(20, 8, 60s).value().size(), 1U);
    EXPECT_TRUE(claim().empty());
}

TEST_F(EndpointTest, tries_immediately_with_one_callback_on_replay) {
    fail_until_open();
    const auto one = records->outbox.list({}).value().front().callback.id;
    ASSERT_TRUE(records->outbox.replay(std::nullopt, one));
    EXPECT_EQ(endpoint()->state, State::half_open);
    EXPECT_EQ(claim().size(), 1U);
}

TEST_F(EndpointTest, kills_callbacks_held_for_the_whole_schedule_and_keeps_paused_ones) {
    fail_until_open();
    received("gone");
    answer(claim().at(0), 410, true);
    for (int day = 0; day < 5; ++day) {
        clock.advance(24h);
        const auto probe = claim();
        ASSERT_EQ(probe.size(), 1U);
        answer(probe[0], 500);
        ASSERT_TRUE(records->upkeep.forget_old());
    }
    const auto dead = records->outbox.list({.state = model::CallbackState::dead, .limit = 100}).value();
    EXPECT_GE(dead.size(), 10U);
    for (const auto& each : dead)
        EXPECT_EQ(each.callback.url, kSick);
    EXPECT_EQ(endpoint("https://gone.example/hook")->waiting, 1U);
}

TEST_F(EndpointTest, gives_overdue_callbacks_an_attempt_after_long_downtime) {
    fail_until_open();
    clock.advance(std::chrono::days{10});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_TRUE(records->outbox.list({.state = model::CallbackState::dead}).value().empty());
}

TEST_F(EndpointTest, pauses_and_resumes_long_queue_in_batches) {
    received("sick");
    const auto one = claim().at(0);
    database.run(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "select 'msg_x' || n, 'u', 'sick', 'upload.received', n, '" +
        kSick + "', '{}', now(), now() - interval '1 hour' from generate_series(1, 12000) n");
    database.run("analyze callbacks");  // as autovacuum does soon after so many rows
    answer(one, 410, true);
    EXPECT_EQ(endpoint()->state, State::paused);
    EXPECT_TRUE(claim().empty());
    const auto held = [&] {
        return database.value("select count(*) from callbacks where next_attempt_at = 'infinity'");
    };
    EXPECT_EQ(held(), "5000");
    for (int minute = 0; minute < 3; ++minute) {
        clock.advance(61s);
        ASSERT_TRUE(records->upkeep.forget_old());
    }
    EXPECT_EQ(held(), "12001");
    EXPECT_EQ(records->outbox.resume_endpoint({.app = AppName::trusted("sick")}, kSick).value(), 12'001U);
    EXPECT_EQ(endpoint(), std::nullopt);
    EXPECT_EQ(held(), "0");
    EXPECT_EQ(claim().size(), 8U);
}

TEST_F(EndpointTest, releases_callbacks_written_during_resume) {
    received("sick");
    answer(claim().at(0), 410, true);
    // A transaction that saw the pause and has not committed yet.
    pqxx::connection connection{database.url()};
    auto writing = std::make_unique<pqxx::work>(connection);
    writing->exec("select from paused_endpoints for key share");
    writing->exec(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "values ('msg_late', 'u', 'sick', 'upload.received', 1, '" +
        kSick + "', '{}', now(), 'infinity')");
    auto resumed = std::async(std::launch::async, [&] { return records->outbox.resume_endpoint({}, kSick); });
    while (database.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname "
                          "= current_database()") == "0")
        ASSERT_NE(resumed.wait_for(10ms), std::future_status::ready) << "it did not wait for the writer";
    writing->commit();
    ASSERT_TRUE(resumed.get());
    EXPECT_EQ(database.value("select count(*) from callbacks where next_attempt_at = 'infinity'"), "0");
}

/// Its transaction began before the pause was committed, and so did not see it.
TEST_F(EndpointTest, resumes_and_counts_a_callback_that_kept_its_time) {
    received("sick");
    answer(claim().at(0), 410, true);
    database.run(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "values ('msg_late', 'u', 'sick', 'upload.received', 1, '" +
        kSick + "', '{}', now(), now() + interval '1 hour')");
    EXPECT_EQ(records->outbox.resume_endpoint({}, kSick).value(), 2U);
    EXPECT_EQ(claim().size(), 2U);
}

TEST_F(EndpointTest, lets_app_see_and_resume_only_its_own_urls) {
    fail_until_open();
    const auto mine = AppName::trusted("sick"), theirs = AppName::trusted("other");
    EXPECT_EQ(records->outbox.endpoints({.app = mine}).value().size(), 1U);
    EXPECT_TRUE(records->outbox.endpoints({.app = theirs}).value().empty());
    EXPECT_TRUE(records->outbox.endpoints({.app = theirs, .own_url = kSick}).value().empty());
    EXPECT_EQ(records->outbox.resume_endpoint({.app = theirs}, kSick).error().code,
              ErrorCode::callback_not_found);
    EXPECT_EQ(records->outbox.pause_endpoint({.app = theirs}, kSick).error().code,
              ErrorCode::callback_not_found);
    EXPECT_EQ(records->outbox.resume_endpoint({}, "https://nobody.example/").error().code,
              ErrorCode::callback_not_found);
    ASSERT_TRUE(records->outbox.pause_endpoint({.app = mine}, kSick));
    EXPECT_EQ(endpoint()->state, State::paused);
    EXPECT_EQ(records->gauges.backlog().value().endpoints.paused, 1U);
    EXPECT_TRUE(records->outbox.endpoints({.after = model::EndpointKey{mine, kSick}}).value().empty());
    EXPECT_EQ(records->outbox.resume_endpoint({.app = mine}, kSick).value(), 30U);
    EXPECT_EQ(endpoint()->state, State::half_open);
}

TEST_F(EndpointTest, does_not_hide_other_urls_behind_a_deep_held_queue) {
    received("sick");
    answer(claim().at(0), 410, true);
    database.run(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "select 'msg_x' || n, 'u', 'sick', 'upload.received', n, '" +
        kSick + "', '{}', now(), now() - interval '1 hour' from generate_series(1, 5000) n");
    for (int i = 0; i < 150; ++i)
        database.run(
            "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, "
            "next_attempt_at) values "
            "('msg_y" +
            std::to_string(i) + "', 'u', 'b', 'upload.received', " + std::to_string(10'000 + i) +
            ", 'https://b" + std::to_string(i) + ".example/', '{}', now(), now() - interval '1 minute')");
    std::size_t reached = 0;
    for (int turn = 0; turn < 4; ++turn)
        reached += claim(1'000, 8).size();
    EXPECT_EQ(reached, 150U);
}

// ---- one URL, two apps

/// Two apps whose callbacks go to one URL.
class SharedUrlTest : public EndpointTest {
  protected:
    static constexpr const char* kShared = "https://shared.example/hook";
    const AppName noisy = AppName::trusted("noisy"), quiet = AppName::trusted("quiet");

    void tell(const AppName& app, int count = 1) {
        for (int i = 0; i < count; ++i) {
            auto item = new_upload(app.str());
            item.upload.callback_url = kShared;
            const auto upload = try_create(std::move(item)).value().upload;
            ASSERT_EQ(observe(seen(upload)).value(), ObserveOutcome::received);
        }
    }
    std::optional<model::CallbackEndpoint> of(const AppName& app) {
        const auto all = records->outbox.endpoints({.app = app}).value();
        return all.empty() ? std::nullopt : std::make_optional(all.at(0));
    }
    std::size_t claimed_of(const AppName& app) {
        const auto claimed = claim();
        return static_cast<std::size_t>(
            std::count_if(claimed.begin(), claimed.end(), [&](const auto& each) { return each.app == app; }));
    }
};

TEST_F(SharedUrlTest, one_apps_failures_open_its_own_breaker_alone) {
    tell(noisy, 12);
    for (const auto& callback : claim(20, 20))
        answer(callback, 500);
    EXPECT_EQ(of(noisy)->state, State::open);
    tell(quiet);
    EXPECT_EQ(of(quiet), std::nullopt);
    const auto claimed = claim();
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_EQ(claimed[0].app, quiet);
    answer(claimed[0], 204);
    EXPECT_EQ(of(noisy)->state, State::open) << "another app's success closes nothing";
}

TEST_F(SharedUrlTest, a_pause_holds_the_apps_own_callbacks_alone) {
    tell(noisy), tell(quiet);
    ASSERT_TRUE(records->outbox.pause_endpoint({.app = noisy}, kShared));
    EXPECT_EQ(claimed_of(quiet), 1U);
    tell(quiet), tell(noisy);
    EXPECT_EQ(claimed_of(quiet), 1U) << "written after the pause";
    EXPECT_EQ(records->outbox.resume_endpoint({.app = quiet}, kShared).value(), 0U);
    EXPECT_EQ(of(noisy)->state, State::paused) << "another app does not end it";
    EXPECT_EQ(records->outbox.resume_endpoint({.app = noisy}, kShared).value(), 2U);
    EXPECT_EQ(claimed_of(noisy), 2U);
}

TEST_F(SharedUrlTest, an_answer_of_gone_pauses_the_app_that_was_answered) {
    tell(noisy), tell(quiet);
    for (const auto& callback : claim())
        answer(callback, callback.app == noisy ? 410 : 204, callback.app == noisy);
    EXPECT_EQ(of(noisy)->state, State::paused);
    tell(quiet);
    EXPECT_EQ(claimed_of(quiet), 1U);
}

TEST_F(SharedUrlTest, a_replay_resumes_the_endpoint_of_its_own_app) {
    tell(noisy), tell(quiet);
    ASSERT_TRUE(records->outbox.pause_endpoint({.app = noisy}, kShared));
    ASSERT_TRUE(records->outbox.pause_endpoint({.app = quiet}, kShared));
    const auto one = records->outbox.list({.app = quiet}).value().at(0).callback.id;
    ASSERT_TRUE(records->outbox.replay(std::nullopt, one));
    EXPECT_EQ(of(quiet), std::nullopt);
    EXPECT_EQ(of(noisy)->state, State::paused);
}

TEST_F(SharedUrlTest, each_app_has_a_share_of_its_own) {
    tell(noisy, 20);
    EXPECT_EQ(claim().size(), 8U);
    tell(quiet, 3);
    EXPECT_EQ(claimed_of(quiet), 3U);
}

TEST_F(SharedUrlTest, an_operator_pauses_and_resumes_every_app_or_the_one_that_it_names) {
    tell(noisy), tell(quiet);
    ASSERT_TRUE(records->outbox.pause_endpoint({}, kShared));
    EXPECT_EQ(of(noisy)->state, State::paused);
    EXPECT_EQ(of(quiet)->state, State::paused);
    EXPECT_EQ(records->outbox.endpoints({}).value().size(), 2U);
    EXPECT_EQ(records->outbox.endpoints({.after = model::EndpointKey{noisy, kShared}}).value().size(), 1U);
    EXPECT_EQ(records->outbox.resume_endpoint({.app = quiet}, kShared).value(), 1U);
    EXPECT_EQ(of(noisy)->state, State::paused);
    EXPECT_EQ(records->outbox.resume_endpoint({}, kShared).value(), 1U);
    EXPECT_EQ(of(noisy), std::nullopt);
}

TEST_F(SharedUrlTest, an_app_pauses_no_url_that_it_has_nothing_to_do_with) {
    tell(quiet);
    EXPECT_EQ(records->outbox.pause_endpoint({.app = noisy}, kShared).error().code,
              ErrorCode::callback_not_found);
    EXPECT_EQ(records->outbox.pause_endpoint({.app = noisy}, "https://made.up/").error().code,
              ErrorCode::callback_not_found);
    EXPECT_TRUE(records->outbox.pause_endpoint({.app = noisy, .own_url = kShared}, kShared));
    EXPECT_EQ(database.value("select count(*) from paused_endpoints"), "1");
}

TEST_F(SharedUrlTest, an_app_with_very_many_urls_delays_another_app_by_one_callback_each) {
    database.run(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "select 'msg_x' || n, 'u', 'noisy', 'upload.received', n, 'https://noisy.example/' || n, '{}', "
        "now(), "
        "now() - interval '1 hour' from generate_series(1, 3000) n");
    tell(quiet, 4);
    EXPECT_EQ(claimed_of(quiet), 4U) << "of twenty";
}

}  // namespace
}  // namespace photogate::storage::records::test
