#include "gateway/http/abandonment.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/http/responder.hpp"
#include "gateway/http/work_pool.hpp"

namespace photogate::gateway::http {
namespace {

TEST(Abandonment, calls_the_callback_once_with_the_reason) {
    Abandonment abandonment;
    std::vector<Abandoned> seen;
    abandonment.watch([&](Abandoned why) { seen.push_back(why); });
    EXPECT_FALSE(abandonment.raised());
    abandonment.raise(Abandoned::evicted);
    abandonment.raise(Abandoned::by_client);
    EXPECT_EQ(seen, std::vector{Abandoned::evicted});
    EXPECT_TRUE(abandonment.raised());
}

TEST(Abandonment, calls_a_late_watcher_at_once) {
    Abandonment abandonment;
    abandonment.raise(Abandoned::by_client);
    int calls = 0;
    abandonment.watch([&](Abandoned) { ++calls; });
    EXPECT_EQ(calls, 1);
}

TEST(Abandonment, drops_the_callback_with_what_it_owns_once_settled) {
    Abandonment abandonment;
    auto owned = std::make_shared<int>(7);
    std::weak_ptr<int> seen = owned;
    abandonment.watch([owned = std::move(owned)](Abandoned) { FAIL() << *owned; });
    abandonment.settle();
    EXPECT_TRUE(seen.expired());
    abandonment.raise(Abandoned::by_client);
    EXPECT_FALSE(abandonment.raised());
}

TEST(Abandonment, lets_either_the_answer_or_the_abandonment_win) {
    int answered = 0, abandoned = 0;
    for (int round = 0; round < 2'000; ++round) {
        auto abandonment = std::make_shared<Abandonment>();
        std::atomic<int> calls{0};
        Responder responder = Responder::to([](Response) {}, abandonment);
        responder.on_abandoned([&](Abandoned) { ++calls; });
        std::thread leaving([abandonment] { abandonment->raise(Abandoned::by_client); });
        responder.respond(Response::empty(204));
        leaving.join();
        EXPECT_EQ(calls, abandonment->raised() ? 1 : 0);
        ++(abandonment->raised() ? abandoned : answered);
    }
    EXPECT_EQ(answered + abandoned, 2'000);
}

TEST(Abandonment, leaves_a_responder_that_goes_unanswered_silent) {
    auto abandonment = std::make_shared<Abandonment>();
    int answers = 0;
    {
        Responder responder = Responder::to([&](Response) { ++answers; }, abandonment);
        EXPECT_FALSE(responder.abandoned());
        abandonment->raise(Abandoned::by_client);
        EXPECT_TRUE(responder.abandoned());
    }
    EXPECT_EQ(answers, 0);
}

TEST(Abandonment, may_free_the_responder_that_watches_it) {
    auto abandonment = std::make_shared<Abandonment>();
    auto responder = std::make_shared<Responder>(Responder::to([](Response) { FAIL(); }, abandonment));
    std::weak_ptr<Responder> seen = responder;
    responder->on_abandoned([responder](Abandoned) mutable { responder.reset(); });
    responder.reset();
    EXPECT_FALSE(seen.expired());
    abandonment->raise(Abandoned::by_client);
    EXPECT_TRUE(seen.expired());
}

class AbandonedWork : public testing::TestWithParam<std::pair<Method, int>> {};

/// An abandoned GET is skipped; a request with an effect is still executed.
TEST_P(AbandonedWork, is_left_out_where_it_would_have_no_effect) {
    const auto [method, made] = GetParam();
    std::atomic<int> calls{0};
    {
        WorkPool pool({.name = "test", .threads = 1});
        const Handler handler = answer_on(pool, [&](Request&) -> Result<Response> {
            ++calls;
            return Response::empty(204);
        });
        auto abandonment = std::make_shared<Abandonment>();
        abandonment->raise(Abandoned::by_client);
        Request request;
        request.method = method;
        handler(std::move(request), Responder::to([](Response) {}, abandonment));
    }
    EXPECT_EQ(calls, made);
}

INSTANTIATE_TEST_SUITE_P(Methods, AbandonedWork,
                         testing::Values(std::pair{Method::get, 0}, std::pair{Method::head, 0},
                                         std::pair{Method::post, 1}, std::pair{Method::delete_, 1}));

}  // namespace
}  // namespace photogate::gateway::http
