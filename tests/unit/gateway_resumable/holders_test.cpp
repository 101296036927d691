#include "gateway/resumable/holders.hpp"

#include <future>

#include <gtest/gtest.h>

namespace photogate::gateway::resumable {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

const UploadId kOne = UploadId::trusted("upl_1"), kTwo = UploadId::trusted("upl_2");

/// One who asks, and whether it has the upload.
struct Asker {
    std::unique_ptr<Holders::Holding> holding;
    int called = 0, interrupted = 0;

    void ask(Holders& holders, const UploadId& upload = kOne) {
        holders.ask(upload, [this](std::unique_ptr<Holders::Holding> given) {
            ++called;
            holding = std::move(given);
        });
    }
    void watch() {
        holding->on_interrupt([this] { ++interrupted; });
    }
};

TEST(Holders, upload_that_nobody_holds_is_had_at_once) {
    Holders holders{hours{1}};
    Asker one, two;
    one.ask(holders, kOne);
    two.ask(holders, kTwo);
    EXPECT_TRUE(one.holding && two.holding);
    EXPECT_EQ(holders.held(), 2U);
    one.holding.reset();
    EXPECT_EQ(holders.held(), 1U);
}

TEST(Holders, holder_is_asked_to_stop_and_the_others_follow_in_their_order) {
    Holders holders{hours{1}};
    Asker first, second, third;
    first.ask(holders);
    first.watch();
    second.ask(holders);
    third.ask(holders);
    EXPECT_EQ(first.interrupted, 1) << "once, however many wait";
    EXPECT_EQ(second.called + third.called, 0);
    first.holding.reset();
    EXPECT_TRUE(second.holding);
    EXPECT_EQ(third.called, 0);
    second.watch();
    EXPECT_EQ(second.interrupted, 1) << "the next one waits already";
    second.holding.reset();
    EXPECT_TRUE(third.holding);
    third.watch();
    EXPECT_EQ(third.interrupted, 0);
    third.holding.reset();
    EXPECT_EQ(holders.held(), 0U);
}

TEST(Holders, interruption_that_came_first_is_told) {
    Holders holders{hours{1}};
    Asker first, second;
    first.ask(holders);
    second.ask(holders);
    first.watch();
    EXPECT_EQ(first.interrupted, 1);
    first.holding.reset();
    EXPECT_TRUE(second.holding);
}

TEST(Holders, who_does_not_let_go_is_passed_over) {
    Holders holders{milliseconds{20}};
    Asker first;
    first.ask(holders);
    std::promise<std::unique_ptr<Holders::Holding>> passed;
    holders.ask(kOne, [&](std::unique_ptr<Holders::Holding> given) { passed.set_value(std::move(given)); });
    auto result = passed.get_future();
    ASSERT_EQ(result.wait_for(std::chrono::seconds{60}), std::future_status::ready);
    const auto second = result.get();
    ASSERT_TRUE(second);
    first.holding.reset();
    EXPECT_EQ(holders.held(), 1U) << "the end of one that was passed over frees nothing";
}

TEST(Holders, end_leaves_nobody_waiting) {
    Asker second;
    {
        auto holders = std::make_unique<Holders>(hours{1});
        Asker first;
        first.ask(*holders);
        second.ask(*holders);
        EXPECT_EQ(second.called, 0);
        first.holding.reset();
        EXPECT_EQ(second.called, 1);
        second.holding.reset();
    }
    EXPECT_EQ(second.called, 1);
}

}  // namespace
}  // namespace photogate::gateway::resumable
