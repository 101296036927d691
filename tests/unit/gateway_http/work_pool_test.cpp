#include "gateway/http/work_pool.hpp"

#include <atomic>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

TEST(WorkPool, rejects_immediately_when_full_and_returns_the_work) {
    WorkPool pool({.name = "test", .threads = 1, .queue = 1});
    std::promise<void> started;
    std::promise<void> go;
    std::shared_future<void> gone = go.get_future().share();
    ASSERT_TRUE(pool.submit([&started, gone] {
        started.set_value();
        gone.wait();
    }));
    started.get_future().wait();
    ASSERT_TRUE(pool.submit([] {}));
    auto owned = std::make_unique<int>(7);
    auto work = [owned = std::move(owned)] { return *owned; };
    auto refused = pool.submit(std::move(work));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::overloaded);
    EXPECT_EQ(refused.error().retry_after, std::chrono::seconds{1});
    EXPECT_EQ(work(), 7);
    EXPECT_EQ(pool.counts().waiting, 1U);
    EXPECT_EQ(pool.counts().active, 1U);
    EXPECT_EQ(pool.counts().refused, 1U);
    go.set_value();
}

TEST(WorkPool, finishes_accepted_work_before_ending) {
    std::atomic<int> done{0};
    {
        WorkPool pool({.name = "test", .threads = 3, .queue = 1'000});
        for (int i = 0; i < 500; ++i)
            ASSERT_TRUE(pool.submit([&done] { ++done; }));
    }
    EXPECT_EQ(done, 500);
}

TEST(WorkPool, works_at_once_on_as_many_threads_as_it_may_have) {
    WorkPool pool({.name = "test", .threads = 3, .queue = 10});
    std::atomic<int> inside{0};
    std::promise<void> all;
    std::promise<void> go;
    std::shared_future<void> gone = go.get_future().share();
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(pool.submit([&, gone] {
            if (++inside == 3) all.set_value();
            gone.wait();
        }));
    }
    all.get_future().wait();  // ends only if three are at work together
    EXPECT_EQ(pool.counts().active, 3U);
    EXPECT_EQ(pool.counts().waiting, 1U);
    go.set_value();
}

TEST(WorkPool, starts_no_thread_while_one_is_idle) {
    WorkPool pool({.name = "test", .threads = 8, .queue = 10});
    std::vector<std::thread::id> threads;
    for (int i = 0; i < 20; ++i) {
        std::promise<std::thread::id> ran;
        ASSERT_TRUE(pool.submit([&] { ran.set_value(std::this_thread::get_id()); }));
        threads.push_back(ran.get_future().get());
        while (pool.counts().active > 0)
            std::this_thread::yield();
    }
    EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), 1U);
}

TEST(WorkPool, accepts_nothing_after_join) {
    WorkPool pool({.name = "test", .threads = 1});
    pool.join();
    EXPECT_FALSE(pool.submit([] {}));
    pool.join();
}

TEST(WorkPool, loses_one_response_but_no_thread_on_exception) {
    WorkPool pool({.name = "test", .threads = 1});
    Handler handler = answer_on(pool, [](Request& request) -> Result<Response> {
        if (request.body == "throw") throw std::runtime_error("boom");
        return Response::text(200, "fine");
    });
    std::promise<int> first;
    std::promise<int> second;
    Request request;
    request.body = "throw";
    handler(std::move(request), Responder::to([&](Response response) { first.set_value(response.status); }));
    handler(Request{}, Responder::to([&](Response response) { second.set_value(response.status); }));
    EXPECT_EQ(first.get_future().get(), 500);
    EXPECT_EQ(second.get_future().get(), 200);
}

TEST(WorkPool, answers_503_when_full) {
    WorkPool pool({.name = "test", .threads = 1, .queue = 0});
    Handler handler = answer_on(pool, [](Request&) { return Response::empty(200); });
    Response got;
    handler(Request{}, Responder::to([&](Response response) { got = std::move(response); }));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(*got.find("Retry-After"), "1");
}

/// Its work uses it; the pool was there before it and goes after it.
class Owner {
  public:
    explicit Owner(WorkPool& pool) : work_(pool) {}
    Result<> begin(std::atomic<int>& seen, std::chrono::milliseconds takes) {
        return work_.submit([this, &seen, takes] {
            std::this_thread::sleep_for(takes);
            if (magic_ == kMagic) ++seen;
        });
    }

  private:
    static constexpr int kMagic = 4711;
    int magic_ = kMagic;
    WorkGroup work_;
};

TEST(WorkGroup, its_owner_ends_after_the_work_that_it_has_queued) {
    WorkPool pool{{"test", 1, 100}};
    std::atomic<int> seen = 0;
    {
        auto owner = std::make_unique<Owner>(pool);
        for (int i = 0; i < 20; ++i)
            ASSERT_TRUE(owner->begin(seen, std::chrono::milliseconds{1}));
        owner.reset();  // with most of it still waiting
        EXPECT_EQ(seen, 20);
    }
    EXPECT_TRUE(pool.submit([] {})) << "the pool is another's";
}

TEST(WorkGroup, work_that_a_pool_refuses_is_not_waited_for) {
    WorkPool pool{{"test", 1, 1}};
    pool.join();
    WorkGroup group{pool};
    EXPECT_EQ(group.submit([] {}).error().code, ErrorCode::overloaded);
    EXPECT_EQ(group.in_flight(), 0U);
}

TEST(WorkGroup, work_that_throws_is_over) {
    WorkPool pool{{"test", 1, 10}};
    WorkGroup group{pool};
    ASSERT_TRUE(group.submit([]() -> void { throw std::runtime_error{"x"}; }));
}

}  // namespace
}  // namespace photogate::gateway::http
