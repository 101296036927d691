// The feed: everything in its order, nothing missed, whoever commits when.
#include <algorithm>
#include <stdexcept>
#include <thread>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

using namespace std::chrono_literals;

/// For apps that have no URL.
class Silent final : public model::CallbackComposer {
  public:
    std::optional<model::ComposedCallback> compose(model::CallbackType type, const model::Upload& upload,
                                                   Timestamp now) const override {
        SystemRandom random;
        return model::ComposedCallback{
            make_callback_id(now, random), "",
            "{\"type\":\"" + std::string{to_string(type)} + "\",\"id\":\"" + upload.id.str() + "\"}"};
    }
};

class FeedTest : public RecordsTest {
  protected:
    FeedPage feed(const std::optional<FeedCursor>& after = {}, std::size_t limit = 100) {
        auto page = records->outbox.feed(AppName::trusted("doorstep"), after, limit);
        if (!page) throw std::runtime_error{page.error().detail};
        return std::move(*page);
    }
    /// Waits until this many are older than every open transaction; another test's transaction may delay them
    /// briefly.
    void settle(std::size_t count) {
        for (int i = 0; i < 1'000 && feed().callbacks.size() < count; ++i)
            std::this_thread::sleep_for(5ms);
        ASSERT_EQ(feed().callbacks.size(), count);
    }
    const std::string insert =
        "insert into callbacks (id, subject_id, app, type, sequence, url, body, created_at, next_attempt_at) "
        "values ";
};

TEST_F(FeedTest, lists_events_in_commit_order_in_pages) {
    const auto upload = in_state(model::UploadState::deleted);
    received("another");
    settle(3);
    auto first = feed({}, 2);
    ASSERT_EQ(first.callbacks.size(), 2U);
    EXPECT_TRUE(first.more);
    EXPECT_EQ(first.callbacks[0].type, model::CallbackType::upload_received);
    EXPECT_EQ(first.callbacks[1].type, model::CallbackType::upload_published);
    const auto second = feed(first.next, 2);
    ASSERT_EQ(second.callbacks.size(), 1U);
    EXPECT_FALSE(second.more);
    EXPECT_EQ(second.callbacks[0].type, model::CallbackType::upload_deleted);
    EXPECT_EQ(second.callbacks[0].upload, upload.id);
    EXPECT_TRUE(feed(second.next).callbacks.empty());
    received();
    settle(4);
    EXPECT_EQ(feed(second.next).callbacks.size(), 1U);
}

TEST_F(FeedTest, is_complete_for_app_without_url_and_sends_nothing) {
    const Silent silent;
    records = Records::open({.database_url = database.url()}, silent, clock, random).value();
    in_state(model::UploadState::published);
    settle(2);
    const auto page = feed();
    ASSERT_EQ(page.callbacks.size(), 2U);
    EXPECT_EQ(page.callbacks[0].state, model::CallbackState::unsent);
    EXPECT_TRUE(records->outbox.claim(10, 10, 60s).value().empty());
    EXPECT_EQ(records->gauges.backlog().value().callbacks_waiting, 0U);
    EXPECT_EQ(records->outbox.replay(std::nullopt, page.callbacks[0].id).error().code,
              ErrorCode::state_conflict);
    clock.advance(std::chrono::days{31});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_TRUE(feed().callbacks.empty());
}

TEST_F(FeedTest, holds_back_events_behind_an_open_transaction) {
    pqxx::connection connection{database.url()};
    auto slow = std::make_unique<pqxx::work>(connection);
    slow->exec(insert + "('msg_0', 'u', 'doorstep', 'upload.received', 1, 'https://a/', '{}', now(), now())");
    received();
    const auto held = feed();
    EXPECT_TRUE(held.callbacks.empty());
    slow->commit();
    settle(2);
    const auto both = feed(held.next);
    ASSERT_EQ(both.callbacks.size(), 2U);
    EXPECT_EQ(both.callbacks[0].id.str(), "msg_0");
}

TEST_F(FeedTest, misses_and_repeats_nothing_beside_late_commits) {
    constexpr std::size_t kWriters = 4, kEach = 60;
    std::vector<std::jthread> writers;
    for (std::size_t w = 0; w < kWriters; ++w) {
        writers.emplace_back([&, w] {
            pqxx::connection connection{database.url()};
            for (std::size_t i = 0; i < kEach; ++i) {
                pqxx::work work{connection};
                // Ids that do not follow the order of commits.
                work.exec(insert + "('msg_" + std::to_string(1000 - i) + "_" + std::to_string(w) + "', 'u" +
                          std::to_string(w) + "', 'doorstep', 'upload.received', " + std::to_string(i) +
                          ", 'https://a/', '{}', now(), now())");
                work.exec("select pg_sleep(" + std::to_string((i * 7 + w) % 5) + " / 1000.0)");
                work.commit();
            }
        });
    }
    std::vector<std::string> seen;
    std::optional<FeedCursor> after;
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (seen.size() < kWriters * kEach && std::chrono::steady_clock::now() < deadline) {
        const auto page = feed(after, 7);
        for (const auto& callback : page.callbacks)
            seen.push_back(callback.id.str());
        after = page.next;
    }
    for (auto& writer : writers)
        writer.join();
    EXPECT_EQ(seen.size(), kWriters * kEach);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(FeedTest, rejects_cursor_older_than_retention_and_accepts_current_one) {
    received();
    settle(1);
    const auto old = feed().next;
    received();
    settle(2);
    const auto claimed = records->outbox.claim(10, 10, 60s).value();
    for (const auto& callback : claimed) {
        ASSERT_TRUE(record({.callback = callback.id,
                            .lease_token = callback.lease_token,
                            .endpoint = callback.endpoint(),
                            .at = clock.now(),
                            .status = 204,
                            .error = {},
                            .answer = {},
                            .verdict = model::CallbackAttempt::Verdict::delivered,
                            .next_attempt_at = {}}));
    }
    const auto current = feed(old).next;
    clock.advance(std::chrono::days{31});
    ASSERT_TRUE(records->upkeep.forget_old());
    EXPECT_EQ(records->outbox.feed(AppName::trusted("doorstep"), old, 10).error().code,
              ErrorCode::invalid_cursor);
    EXPECT_TRUE(feed(current).callbacks.empty());
    EXPECT_TRUE(feed().callbacks.empty()) << "from the beginning of what is kept";
}

TEST_F(FeedTest, continues_beyond_every_cursor_after_a_restore) {
    received();
    settle(1);
    const auto before = feed();
    const auto place_of_last = [&] { return database.value("select max(placed) from callbacks"); };
    records = open();
    received();
    settle(2);
    EXPECT_LT(std::stoll(place_of_last()), std::int64_t{1} << 32) << "the same cluster: nothing changes";
    // As it is after a dump was restored elsewhere; cursors of before may be ahead of all that the dump has.
    database.run("update feed set cluster = 'another'");
    auto ahead = feed().next;
    ahead.place += 1'000'000;
    records = open();
    received();
    settle(3);
    EXPECT_EQ(feed(before.next).callbacks.size(), 2U);
    EXPECT_EQ(feed(ahead).callbacks.size(), 1U);
}

}  // namespace
}  // namespace photogate::storage::records::test
