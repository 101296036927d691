#include "gateway/resumable/handover.hpp"

#include <atomic>
#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::gateway::resumable {
namespace {

using namespace std::chrono_literals;
using storage::chunks::HandoverChannel;
using storage::chunks::HandoverMessage;
using Kind = HandoverMessage::Kind;

const UploadId kUpload = UploadId::trusted("upl_1");

/// Hands what one side sends to the other, as long as that can hear.
class Wire final : public HandoverChannel {
  public:
    explicit Wire(std::string self) : self_(std::move(self)) {}
    std::string self() const override { return self_; }
    void send(const HandoverMessage& message) override {
        sent.push_back(message.kind);
        if (other != nullptr && other->hear_ && message.gateway == other->self_)
            other->hear_({message.kind, self_, message.upload});
    }
    void hear(std::function<void(const HandoverMessage&)> hear) override { hear_ = std::move(hear); }

    Wire* other = nullptr;
    std::vector<Kind> sent;

  private:
    const std::string self_;
    std::function<void(const HandoverMessage&)> hear_;
};

class HandoverTest : public testing::Test {
  protected:
    HandoverTest() {
        here_wire.other = &there_wire;
        there_wire.other = &here_wire;
    }
    int called = 0;  // also at the end of what is below
    Wire here_wire{"here"}, there_wire{"there"};
    Holders here_holders{1h}, there_holders{1h};
    Handover here{here_holders, here_wire, {1h, 1h}}, there{there_holders, there_wire, {1h, 1h}};
};

TEST_F(HandoverTest, upload_that_nobody_holds_there_is_free_at_once) {
    here.ask("there", kUpload, [&] { ++called; });
    EXPECT_EQ(called, 1);
    EXPECT_EQ(there_wire.sent, (std::vector{Kind::released}));
    EXPECT_EQ(there_holders.held(), 0U);
}

TEST_F(HandoverTest, holder_there_is_interrupted_and_waited_for) {
    std::unique_ptr<Holders::Holding> holding;
    there_holders.ask(kUpload, [&](std::unique_ptr<Holders::Holding> given) { holding = std::move(given); });
    int interrupted = 0;
    holding->on_interrupt([&] { ++interrupted; });
    here.ask("there", kUpload, [&] { ++called; });
    EXPECT_EQ(interrupted, 1);
    EXPECT_EQ(called, 0);
    EXPECT_EQ(there_wire.sent, (std::vector{Kind::releasing}));
    holding.reset();
    EXPECT_EQ(called, 1);
    EXPECT_EQ(there_holders.held(), 0U) << "the question itself holds nothing";
}

TEST_F(HandoverTest, word_about_another_upload_or_of_another_gateway_ends_no_wait) {
    there_wire.other = nullptr;
    here.ask("elsewhere", kUpload, [&] { ++called; });
    there_wire.other = &here_wire;
    there_wire.send({Kind::released, "here", kUpload});
    there_wire.send({Kind::released, "here", UploadId::trusted("upl_2")});
    EXPECT_EQ(called, 0);
}

TEST_F(HandoverTest, only_another_gateway_that_is_known_is_asked) {
    EXPECT_TRUE(here.reaches("there"));
    EXPECT_FALSE(here.reaches("here"));
    EXPECT_FALSE(here.reaches(""));
    Wire deaf{""};
    Handover behind_a_pooler{here_holders, deaf};
    EXPECT_FALSE(behind_a_pooler.reaches("there"));
}

TEST(Handover, gateway_that_says_nothing_is_waited_for_no_longer_than_the_first_patience) {
    Wire wire{"here"};
    Holders holders{1h};
    std::promise<void> passed;  // beyond the thread that keeps it
    Handover handover{holders, wire, {10ms, 1h}};
    handover.ask("gone", kUpload, [&] { passed.set_value(); });
    EXPECT_EQ(passed.get_future().wait_for(30s), std::future_status::ready);
}

TEST(Handover, gateway_that_answers_is_waited_for_as_long_as_the_second_patience) {
    Wire wire{"here"}, there{"there"};
    there.other = &wire;
    Holders holders{1h};
    std::atomic<int> called = 0;
    {
        Handover handover{holders, wire, {20ms, 1h}};
        handover.ask("there", kUpload, [&] { ++called; });
        there.send({Kind::releasing, "here", kUpload});
        std::this_thread::sleep_for(60ms);
        EXPECT_EQ(called, 0);
    }
    EXPECT_EQ(called, 1) << "who still waits is called at the end";
}

}  // namespace
}  // namespace photogate::gateway::resumable
