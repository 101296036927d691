#include "notifier/gates/call_pool.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>

#include <gtest/gtest.h>

namespace photogate::notifier::gates {
namespace {

using namespace std::chrono_literals;

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
        ASSERT_TRUE(pool.submit("slow", hanging.work()));
    ASSERT_TRUE(hanging.await_running(2));
    for (int i = 0; i < 40; ++i)
        ASSERT_TRUE(pool.submit("quick", [&done](const Result<>& turn) { done += turn ? 1 : 0; }));
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (done < 40 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(done, 40);
    EXPECT_EQ(hanging.running(), 2);
    EXPECT_EQ(pool.counts().waiting, 8U);
    hanging.release();
    pool.join();
}

TEST(CallPool, refuses_what_is_more_than_may_wait) {
    Hanging hanging;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .waiting = 3, .waiting_of_key = 2}};
    ASSERT_TRUE(pool.submit("a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    EXPECT_TRUE(pool.submit("a", hanging.work()));
    EXPECT_TRUE(pool.submit("a", hanging.work()));
    const auto over_share = pool.submit("a", hanging.work());
    ASSERT_FALSE(over_share);
    EXPECT_EQ(over_share.error().code, ErrorCode::overloaded);
    EXPECT_TRUE(over_share.error().retry_after);
    EXPECT_TRUE(pool.submit("b", hanging.work()));
    EXPECT_FALSE(pool.submit("c", hanging.work())) << "over the whole";
    EXPECT_EQ(pool.counts().refused, 2U);
    hanging.release();
}

TEST(CallPool, tells_what_waited_too_long_that_its_turn_did_not_come) {
    Hanging hanging, late;
    CallPool pool{{.threads = 1, .threads_of_key = 1, .patience = 1s}};
    ASSERT_TRUE(pool.submit("a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    ASSERT_TRUE(pool.submit("a", late.work()));
    std::this_thread::sleep_for(1'050ms);
    hanging.release();
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (late.refused() == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(late.refused(), 1);
}

TEST(CallPool, answers_everybody_when_it_ends) {
    Hanging hanging, waiting;
    auto pool = std::make_unique<CallPool>(CallPool::Options{.threads = 1, .threads_of_key = 1});
    ASSERT_TRUE(pool->submit("a", hanging.work()));
    ASSERT_TRUE(hanging.await_running(1));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(pool->submit("a", waiting.work()));
    std::thread ending{[&] { pool->join(); }};
    hanging.release();
    waiting.release();  // those that had a turn before the end was known
    ending.join();
    EXPECT_EQ(waiting.refused() + waiting.running(), 5);
    EXPECT_FALSE(pool->submit("a", waiting.work()));
}

}  // namespace
}  // namespace photogate::notifier::gates
