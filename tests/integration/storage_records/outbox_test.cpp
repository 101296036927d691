// The outbox: claims by URL, attempts, pauses and replays.
#include <algorithm>
#include <set>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

class OutboxTest : public RecordsTest {
  protected:
    std::vector<model::Callback> claim(std::size_t most = 10, std::size_t per_url = 10) {
        return records->outbox.claim(most, per_url, 60s).value();
    }
    model::CallbackAttempt attempt(const model::Callback& callback, model::CallbackAttempt::Verdict verdict,
                                   std::optional<int> status = 200) {
        model::CallbackAttempt made;
        made.callback = callback.id;
        made.lease_token = callback.lease_token;
        made.endpoint = callback.endpoint();
        made.at = clock.now();
        made.status = status;
        made.error = verdict == model::CallbackAttempt::Verdict::delivered ? "" : "status";
        made.latency = 12ms;
        made.answer = "answer";
        made.verdict = verdict;
        made.next_attempt_at = clock.now() + 5s;
        return made;
    }
};

TEST_F(OutboxTest, keeps_id_and_body_for_each_attempt_until_delivered) {
    received();
    const auto first = claim();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_TRUE(claim().empty());
    ASSERT_TRUE(record(attempt(first[0], model::CallbackAttempt::Verdict::again, 500)));
    EXPECT_TRUE(claim().empty());
    clock.advance(5s);
    const auto second = claim();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].id, first[0].id);
    EXPECT_EQ(second[0].body, first[0].body);
    EXPECT_EQ(second[0].attempts, 1U);
    ASSERT_TRUE(record(attempt(second[0], model::CallbackAttempt::Verdict::delivered)));
    const auto details = records->outbox.list({}).value();
    ASSERT_EQ(details.size(), 1U);
    EXPECT_EQ(details[0].callback.state, model::CallbackState::delivered);
    ASSERT_EQ(details[0].attempts.size(), 2U);
    EXPECT_EQ(details[0].attempts[0].status, 200);
    EXPECT_EQ(details[0].attempts[1].status, 500);
    EXPECT_EQ(records->uploads.timeline(std::nullopt, first[0].upload).value().back().event,
              "callback.delivered");
}

TEST_F(OutboxTest, ignores_result_with_stale_lease) {
    received();
    const auto slow = claim().at(0);
    database.run("update callbacks set lease_until = now() - interval '1 second'");
    const auto fast = claim().at(0);
    EXPECT_EQ(record(attempt(slow, model::CallbackAttempt::Verdict::dead, 500)).error().code,
              ErrorCode::lease_lost);
    EXPECT_TRUE(record(attempt(fast, model::CallbackAttempt::Verdict::delivered)));
    EXPECT_EQ(record(attempt(fast, model::CallbackAttempt::Verdict::delivered)).error().code,
              ErrorCode::lease_lost);
    EXPECT_EQ(database.value("select count(*) from callback_attempts"), "1");
}

TEST_F(OutboxTest, limits_share_of_one_url) {
    for (int i = 0; i < 30; ++i)
        received("busy");
    received("quiet");
    const auto claimed = claim(10, 4);
    std::multiset<std::string> urls;
    for (const auto& callback : claimed)
        urls.insert(callback.url);
    EXPECT_EQ(urls.count("https://busy.example/hook"), 4U);
    EXPECT_EQ(urls.count("https://quiet.example/hook"), 1U);
    EXPECT_TRUE(claim(10, 4).empty());
    const auto busy = std::find_if(claimed.begin(), claimed.end(), [](const model::Callback& callback) {
        return callback.app.str() == "busy";
    });
    ASSERT_TRUE(record(attempt(*busy, model::CallbackAttempt::Verdict::delivered)));
    EXPECT_EQ(claim(10, 4).size(), 1U);
}

TEST_F(OutboxTest, sends_nothing_to_paused_url_until_resumed) {
    received();
    received();
    auto first = attempt(claim(1).at(0), model::CallbackAttempt::Verdict::again, 410);
    first.pause_endpoint = true;
    ASSERT_TRUE(record(first));
    clock.advance(1h);
    received();
    EXPECT_TRUE(claim().empty());
    EXPECT_EQ(records->gauges.backlog().value().callbacks_waiting, 3U);
    ASSERT_TRUE(records->outbox.replay(AppName::trusted("doorstep"), first.callback));
    EXPECT_EQ(claim().size(), 3U);
}

TEST_F(OutboxTest, replays_dead_callbacks_by_id_or_since_a_time) {
    received("one");
    received("two");
    for (const auto& callback : claim())
        ASSERT_TRUE(record(attempt(callback, model::CallbackAttempt::Verdict::dead, 500)));
    EXPECT_EQ(records->gauges.backlog().value().callbacks_dead, 2U);
    const auto dead =
        records->outbox.list({.app = AppName::trusted("one"), .state = model::CallbackState::dead}).value();
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(records->outbox.replay(AppName::trusted("two"), dead[0].callback.id).error().code,
              ErrorCode::callback_not_found);
    EXPECT_TRUE(records->outbox.replay(AppName::trusted("one"), dead[0].callback.id));
    EXPECT_EQ(claim().at(0).id, dead[0].callback.id);
    EXPECT_EQ(records->outbox.replay({.since = clock.now() + 1s}).value().count, 0U);
    EXPECT_EQ(
        records->outbox.replay({.app = AppName::trusted("one"), .since = clock.now() - 1h}).value().count,
        0U);
    EXPECT_EQ(records->outbox.replay({.since = clock.now() - 1h}).value().count, 1U);
    EXPECT_EQ(claim().size(), 1U);
}

TEST_F(OutboxTest, replays_range_by_time_type_and_url_in_batches) {
    const auto start = clock.now();
    for (int i = 0; i < 5; ++i) {
        received("a");
        received("b");
        clock.advance(1h);
    }
    for (const auto& callback : claim())
        ASSERT_TRUE(record(attempt(callback, model::CallbackAttempt::Verdict::delivered)));
    const auto count = [&](ReplayRange range) {
        range.state = model::CallbackState::delivered;
        return records->outbox.replay(range).value();
    };
    EXPECT_EQ(count({.since = start, .type = model::CallbackType::upload_deleted}).count, 0U);
    EXPECT_EQ(count({.since = start + 5h}).count, 0U);
    EXPECT_EQ(count({.since = start, .until = start}).count, 0U);
    EXPECT_EQ(count({.since = start + 1h, .until = start + 2h}).count, 2U);
    EXPECT_EQ(count({.since = start, .until = start + 1h, .url = "https://a.example/hook"}).count, 1U);
    const auto first = count({.app = AppName::trusted("b"), .since = start, .most = 2});
    EXPECT_EQ(first.count, 2U);
    ASSERT_TRUE(first.next);
    const auto rest = count({.app = AppName::trusted("b"), .since = start, .after = first.next});
    EXPECT_EQ(rest.count, 2U);
    EXPECT_EQ(rest.next, std::nullopt);
    std::set<std::string> ids;
    for (const auto& callback : claim())
        ids.insert(callback.id.str());
    EXPECT_EQ(ids.size(), 7U);
}

TEST_F(OutboxTest, resets_attempts_on_replay) {
    received();
    auto callback = claim().at(0);
    ASSERT_TRUE(record(attempt(callback, model::CallbackAttempt::Verdict::dead, 500)));
    ASSERT_TRUE(records->outbox.replay(std::nullopt, callback.id));
    const auto details = records->outbox.find(AppName::trusted("doorstep"), callback.id).value();
    EXPECT_EQ(details.callback.state, model::CallbackState::waiting);
    EXPECT_EQ(details.callback.attempts, 0U);
    EXPECT_EQ(details.attempts.size(), 1U) << "the log stays";
    EXPECT_EQ(records->outbox.find(AppName::trusted("other"), callback.id).error().code,
              ErrorCode::callback_not_found);
}

TEST_F(OutboxTest, deletes_delivered_callbacks_after_retention_and_dead_ones_later) {
    const auto delivered = received(), dead = received(), waiting = received();
    for (const auto& callback : claim()) {
        if (callback.upload == waiting.id) continue;
        const auto verdict = callback.upload == dead.id ? model::CallbackAttempt::Verdict::dead
                                                        : model::CallbackAttempt::Verdict::delivered;
        ASSERT_TRUE(record(attempt(callback, verdict)));
    }
    const auto left = [&] { return database.value("select count(*) from callbacks"); };
    clock.advance(std::chrono::days{29});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(left(), "3");
    clock.advance(std::chrono::days{2});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(left(), "2");
    EXPECT_TRUE(records->outbox.list({.upload = delivered.id}).value().empty());
    clock.advance(std::chrono::days{60});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(left(), "1");
    EXPECT_EQ(records->outbox.list({.upload = waiting.id}).value().size(), 1U)
        << "what waits is never forgotten";
}

TEST_F(OutboxTest, deletes_expired_callbacks_by_index_in_batches) {
    database.run(
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, state, created_at, "
        "finished_at) "
        "select 'msg_' || n, 'u', 'a', 'upload.received', n, 'https://a/', '{}', 'delivered', "
        "timestamptz '2020-01-01' + n * interval '1 second', timestamptz '2020-01-01' + n * interval '1 "
        "second' "
        "from generate_series(1, 5000) n");
    database.run("analyze callbacks");
    std::string plan;
    for (const auto& row : database.run(
             "set enable_seqscan = off; explain select id from callbacks where state = 'delivered' and "
             "finished_at < '2020-01-01 00:10:00' order by finished_at limit 2000"))
        plan += row[0].c_str();
    EXPECT_NE(plan.find("callbacks_finished"), std::string::npos) << plan;
    for (int minute = 0; minute < 3; ++minute) {
        clock.advance(61s);
        ASSERT_TRUE(records->upkeep.forget_old());
        EXPECT_EQ(database.value("select count(*) from callbacks"),
                  std::to_string(5000 - std::min(5000, 2000 * (minute + 1))));
    }
}

TEST_F(OutboxTest, does_not_replay_erased_callbacks) {
    const auto upload = in_state(model::UploadState::published);
    for (const auto& callback : claim())
        ASSERT_TRUE(record(attempt(callback, model::CallbackAttempt::Verdict::delivered)));
    const auto told = records->outbox.list({.upload = upload.id}).value();
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(records->outbox.replay(std::nullopt, told.at(0).callback.id).error().code,
              ErrorCode::state_conflict);
    EXPECT_EQ(records->outbox.replay({.since = clock.now() - 1h, .state = model::CallbackState::delivered})
                  .value()
                  .count,
              0U);
}

TEST_F(OutboxTest, sends_expiry_only_to_apps_that_asked) {
    in_state(model::UploadState::expired);
    EXPECT_EQ(database.value("select count(*) from callbacks"), "0");
    auto item = new_upload();
    item.upload.callback_url = "https://asked.example/";
    ASSERT_TRUE(try_create(item));
    clock.advance(1h);
    EXPECT_TRUE(records->upkeep.expire(item.upload.id).value());
    EXPECT_EQ(claim().at(0).sequence, 1);
}

}  // namespace
}  // namespace photogate::storage::records::test
