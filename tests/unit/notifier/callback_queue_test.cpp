#include "notifier/callback_queue.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace photogate::notifier {
namespace {

using namespace std::chrono_literals;
using storage::records::Callback;
using Outcome = CallbackQueue::Outcome;

const CallbackQueue::TimePoint kStart{};

std::vector<Callback> claimed(const std::string& url, int count, int from = 0) {
    std::vector<Callback> out;
    for (int i = 0; i < count; ++i) {
        Callback callback;
        callback.id = CallbackId::trusted(fmt::format("msg_{}_{}", url, from + i));
        callback.url = url;
        out.push_back(callback);
    }
    return out;
}

TEST(CallbackQueue, A_URL_over_its_share_holds_nobody_else) {
    CallbackQueue queue{{.per_url = 2}};
    queue.add(claimed("slow", 5), kStart);
    queue.add(claimed("quick", 1), kStart + 1s);
    EXPECT_EQ(queue.start(kStart + 1s)->url, "slow");
    EXPECT_EQ(queue.start(kStart + 1s)->url, "slow");
    EXPECT_EQ(queue.start(kStart + 1s)->url, "quick");
    EXPECT_FALSE(queue.can_start(kStart + 1s));
    EXPECT_FALSE(queue.start(kStart + 1s));
    EXPECT_EQ(queue.under_way(), 3U);
    queue.finished("slow", Outcome::success);
    EXPECT_EQ(queue.start(kStart + 2s)->url, "slow");
}

TEST(CallbackQueue, One_URLs_callbacks_start_in_the_order_they_were_claimed) {
    CallbackQueue queue{{.per_url = 8}};
    queue.add(claimed("u", 3), kStart);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(queue.start(kStart)->id.str(), fmt::format("msg_u_{}", i));
}

TEST(CallbackQueue, Equally_old_URLs_take_turns) {
    CallbackQueue queue{{.per_url = 8}};
    auto both = claimed("a", 3);
    for (auto& callback : claimed("b", 3))
        both.push_back(callback);
    queue.add(both, kStart);
    std::string order;
    while (auto callback = queue.start(kStart))
        order += callback->url;
    EXPECT_EQ(order, "ababab");
}

TEST(CallbackQueue, After_a_failure_a_URL_gets_one_sender_and_each_success_doubles_it) {
    CallbackQueue queue{{.per_url = 8}};
    const auto go = [&](Outcome outcome) {
        queue.add(claimed("u", 1), kStart);
        EXPECT_TRUE(queue.start(kStart));
        queue.finished("u", outcome);
        return queue.share("u");
    };
    EXPECT_EQ(queue.share("u"), 8U);
    EXPECT_EQ(go(Outcome::failure), 1U);
    EXPECT_EQ(go(Outcome::success), 2U);
    EXPECT_EQ(go(Outcome::success), 4U);
    EXPECT_EQ(go(Outcome::failure), 1U);
    EXPECT_EQ(go(Outcome::success), 2U);
    EXPECT_EQ(go(Outcome::success), 4U);
    EXPECT_EQ(go(Outcome::success), 8U);
    EXPECT_EQ(go(Outcome::success), 8U);
}

TEST(CallbackQueue, What_its_lease_no_longer_covers_is_dropped) {
    CallbackQueue queue{{.per_url = 1, .startable_for = 40s}};
    queue.add(claimed("u", 2), kStart);
    EXPECT_TRUE(queue.start(kStart + 40s));
    queue.finished("u", Outcome::success);
    EXPECT_FALSE(queue.start(kStart + 40s + 1ms));
}

TEST(CallbackQueue, Claimed_again_the_newer_lease_counts_and_it_goes_out_once) {
    CallbackQueue queue{{.per_url = 8}};
    auto first = claimed("u", 1);
    first[0].lease_token = "old";
    queue.add(first, kStart);
    first[0].lease_token = "new";
    queue.add(first, kStart + 60s);
    EXPECT_EQ(queue.start(kStart + 60s)->lease_token, "new");
    EXPECT_FALSE(queue.start(kStart + 60s));
}

TEST(CallbackQueue, It_is_bounded_by_URL_and_remembers_a_bounded_number_of_them) {
    CallbackQueue queue{{.per_url = 2, .waiting = 10, .urls = 3}};
    queue.add(claimed("u", 100), kStart);
    std::size_t started = 0;
    while (queue.start(kStart)) {
        queue.finished("u", Outcome::success);
        ++started;
    }
    EXPECT_EQ(started, 10U);
    for (int i = 0; i < 10; ++i) {
        const auto url = fmt::format("failing{}", i);
        queue.add(claimed(url, 1), kStart);
        EXPECT_TRUE(queue.start(kStart));
        queue.finished(url, Outcome::failure);
    }
    EXPECT_EQ(queue.share("failing0"), 2U) << "forgotten, so it has its whole share again";
    EXPECT_EQ(queue.share("failing9"), 1U);
}

}  // namespace
}  // namespace photogate::notifier
