#include "notifier/gates/call_pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace photogate::notifier::gates {
namespace {

using namespace std::chrono_literals;

void await(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(1ms);
}

/// Work that hangs until the test lets it go.
class Hanging {
  public:
    CallPool::Work work() {
        return [this](const Result<>& turn) {
            std::unique_lock lock{mutex_};
            if (!turn) {
                ++refused_;
                return;
            }
            ++running_;
            changed_.notify_all();
            changed_.wait(lock, [this] { return released_; });
        };
    }
    bool await_running(int count) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, 20s, [&] { return running_ >= count; });
    }
    int running() {
        const std::lock_guard lock{mutex_};
        return running_;
    }
    int refused() {
        const std::lock_guard lock{mutex_};
        return refused_;
    }
    void release() {
        const std::lock_guard lock{mutex_};
        released_ = true;
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int running_ = 0;
    int refused_ = 0;
    bool released_ = false;
};

TEST(CallPool, gives_a_hook_that_hangs_no_more_than_its_share) {
    Hanging hanging;
    std::atomic<int> done = 0;
    CallPool pool{{.threads = 4, .threads_of_key = 2, .waiting = 100, .waiting_of_key = 50}};
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(pool.submit("slow", "app", hanging.work()));
    ASSERT_TRUE(hanging.await_running(2));
    for (int i = 0; i < 40; ++i)
        ASSERT_TRUE(pool.submit("quick", "app", [&done](const Result<>& turn) { done += turn ? 1 : 0; }));
    await([&] { return done == 40; });
    EXPECT_EQ(done, 40);
    EXPECT_EQ(hanging.running(), 2);
    EXPECT_EQ(pool.counts().waiting, 8U);
    hanging.release();
    pool.join();
}

TEST(CallPool, refuses_what_is_more_than_may_wait) {
    Hanging hanging;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .waiting = 2, .waiting_of_key = 1}};
    ASSERT_TRUE(pool.submit("a", "app", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    EXPECT_TRUE(pool.submit("a", "app", hanging.work()));
    const auto over_share = pool.submit("a", "app", hanging.work());
    ASSERT_FALSE(over_share);
    EXPECT_EQ(over_share.error().code, ErrorCode::overloaded);
    EXPECT_TRUE(over_share.error().retry_after);
    EXPECT_TRUE(pool.submit("b", "app", hanging.work()));
    EXPECT_FALSE(pool.submit("c", "app", hanging.work())) << "over the whole";
    EXPECT_EQ(pool.counts().refused, 2U);
    hanging.release();
}

/// Who asked, in the order in which their turns came, and who was refused.
class Turns {
  public:
    CallPool::Work of(const std::string& asker) {
        return [this, asker](const Result<>& turn) {
            const std::lock_guard lock{mutex_};
            (turn ? came_ : refused_) += asker;
        };
    }
    std::string came() {
        const std::lock_guard lock{mutex_};
        return came_;
    }
    std::string refused() {
        const std::lock_guard lock{mutex_};
        return refused_;
    }

  private:
    std::mutex mutex_;
    std::string came_;
    std::string refused_;
};

TEST(CallPool, gives_those_who_ask_at_one_url_their_turns_by_rotation) {
    Hanging hanging;
    Turns turns;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .waiting = 100, .waiting_of_key = 50}};
    ASSERT_TRUE(pool.submit("hook", "a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(pool.submit("hook", "a", turns.of("a")));
    for (const auto* asker : {"b", "c", "b"})
        ASSERT_TRUE(pool.submit("hook", asker, turns.of(asker)));
    hanging.release();
    await([&] { return turns.came().size() == 8; });
    EXPECT_EQ(turns.came(), "bcabaaaa");
}

TEST(CallPool, lets_nobody_keep_the_others_from_one_url) {
    Hanging hanging;
    Turns turns;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .waiting = 100, .waiting_of_key = 6}};
    ASSERT_TRUE(pool.submit("hook", "a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    for (int i = 0; i < 6; ++i)
        ASSERT_TRUE(pool.submit("hook", "a", turns.of("a")));
    EXPECT_FALSE(pool.submit("hook", "a", turns.of("a"))) << "its own places are all there are";
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(pool.submit("hook", "b", turns.of("b")));
    EXPECT_FALSE(pool.submit("hook", "b", turns.of("b"))) << "it has as many as the other";
    EXPECT_TRUE(pool.submit("hook", "c", turns.of("c")));
    EXPECT_EQ(turns.refused(), "aaaa");
    EXPECT_EQ(pool.counts().waiting, 6U);
    EXPECT_EQ(pool.counts().refused, 6U);
    hanging.release();
    await([&] { return turns.came().size() == 6; });
    EXPECT_EQ(turns.came(), "bcabab");
}

TEST(CallPool, makes_room_among_all_urls_where_the_whole_is_full) {
    Hanging hanging;
    Turns turns;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .waiting = 4, .waiting_of_key = 4}};
    ASSERT_TRUE(pool.submit("one", "a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(pool.submit("one", "a", turns.of("a")));
    EXPECT_TRUE(pool.submit("two", "b", turns.of("b")));
    EXPECT_EQ(turns.refused(), "a");
    EXPECT_EQ(pool.counts().waiting, 4U);
    hanging.release();
}

TEST(CallPool, tells_what_waited_too_long_that_its_turn_did_not_come) {
    Hanging hanging, late;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .patience = 1s}};
    ASSERT_TRUE(pool.submit("a", "app", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    ASSERT_TRUE(pool.submit("a", "app", late.work()));
    std::this_thread::sleep_for(1'050ms);
    hanging.release();
    await([&] { return late.refused() != 0; });
    EXPECT_EQ(late.refused(), 1);
}

TEST(CallPool, answers_everybody_when_it_ends) {
    Hanging hanging, waiting;
    auto pool = std::make_unique<CallPool>(CallPool::Options{.threads = 1, .threads_of_key = 1});
    ASSERT_TRUE(pool->submit("a", "app", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(pool->submit("a", "app", waiting.work()));
    std::thread ending{[&] { pool->join(); }};
    hanging.release();
    waiting.release();  // those that had a turn before the end was known
    ending.join();
    EXPECT_EQ(waiting.refused() + waiting.running(), 5);
    EXPECT_FALSE(pool->submit("a", "app", waiting.work()));
}

}  // namespace
}  // namespace photogate::notifier::gates
