#include "notifier/callbacks/callback_queue.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace photogate::notifier::callbacks {
namespace {

using namespace std::chrono_literals;
using model::Callback;
using Outcome = CallbackQueue::Outcome;

const CallbackQueue::TimePoint kStart{};

model::EndpointKey endpoint(const std::string& url, const std::string& app = "shop") {
    return {AppName::trusted(app), url};
}

std::vector<Callback> claimed(const std::string& url, int count, int from = 0,
                              const std::string& app = "shop") {
    std::vector<Callback> out;
    for (int i = 0; i < count; ++i) {
        Callback callback;
        callback.id = CallbackId::trusted(fmt::format("msg_{}_{}_{}", app, url, from + i));
        callback.app = AppName::trusted(app);
        callback.url = url;
        out.push_back(callback);
    }
    return out;
}

TEST(CallbackQueue, limits_url_to_its_share) {
    CallbackQueue queue{{.per_url = 2}};
    queue.add(claimed("slow", 5), kStart);
    queue.add(claimed("quick", 1), kStart + 1s);
    EXPECT_EQ(queue.start(kStart + 1s)->url, "slow");
    EXPECT_EQ(queue.start(kStart + 1s)->url, "slow");
    EXPECT_EQ(queue.start(kStart + 1s)->url, "quick");
    EXPECT_FALSE(queue.can_start(kStart + 1s));
    EXPECT_FALSE(queue.start(kStart + 1s));
    EXPECT_EQ(queue.under_way(), 3U);
    queue.finished(endpoint("slow"), Outcome::success);
    EXPECT_EQ(queue.start(kStart + 2s)->url, "slow");
}

TEST(CallbackQueue, what_goes_out_in_one_request_is_not_held_to_the_share) {
    CallbackQueue queue{{.per_url = 2, .startable_for = 10s}};
    queue.add(claimed("purge", 2), kStart);
    queue.add(claimed("purge", 3, 2), kStart + 5s);
    queue.add(claimed("other", 1), kStart + 5s);
    ASSERT_TRUE(queue.start(kStart + 9s));
    EXPECT_EQ(queue.start_with(endpoint("purge"), kStart + 9s)->id.str(), "msg_shop_purge_1");
    EXPECT_EQ(queue.start_with(endpoint("purge"), kStart + 9s)->id.str(), "msg_shop_purge_2");
    EXPECT_EQ(queue.under_way(), 3U) << "over the share of 2";
    EXPECT_EQ(queue.start(kStart + 9s)->url, "other") << "a request more is";
    EXPECT_FALSE(queue.start_with(endpoint("nowhere"), kStart + 9s));
    EXPECT_FALSE(queue.start_with(endpoint("purge"), kStart + 20s)) << "their leases are nearly over";
    for (int i = 0; i < 3; ++i)
        queue.finished(endpoint("purge"), Outcome::success);
    EXPECT_EQ(queue.under_way(), 1U);
}

TEST(CallbackQueue, one_apps_failures_and_backlog_at_a_url_leave_another_apps_share_as_it_is) {
    CallbackQueue queue{{.per_url = 2}};
    queue.add(claimed("hook", 4, 0, "noisy"), kStart);
    queue.add(claimed("hook", 2, 0, "quiet"), kStart);
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(queue.start(kStart)) << "two of each";
    EXPECT_FALSE(queue.can_start(kStart));
    queue.finished(endpoint("hook", "noisy"), Outcome::failure);
    queue.finished(endpoint("hook", "noisy"), Outcome::failure);
    EXPECT_EQ(queue.share(endpoint("hook", "noisy")), 1U);
    EXPECT_EQ(queue.share(endpoint("hook", "quiet")), 2U);
    EXPECT_EQ(queue.start(kStart)->app.str(), "noisy");
    EXPECT_FALSE(queue.can_start(kStart));
}

TEST(CallbackQueue, starts_callbacks_of_one_url_in_claim_order) {
    CallbackQueue queue{{.per_url = 8}};
    queue.add(claimed("u", 3), kStart);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(queue.start(kStart)->id.str(), fmt::format("msg_shop_u_{}", i));
}

TEST(CallbackQueue, alternates_between_equally_old_urls) {
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

TEST(CallbackQueue, limits_failing_url_to_one_sender_and_doubles_per_success) {
    CallbackQueue queue{{.per_url = 8}};
    const auto go = [&](Outcome outcome) {
        queue.add(claimed("u", 1), kStart);
        EXPECT_TRUE(queue.start(kStart));
        queue.finished(endpoint("u"), outcome);
        return queue.share(endpoint("u"));
    };
    EXPECT_EQ(queue.share(endpoint("u")), 8U);
    EXPECT_EQ(go(Outcome::failure), 1U);
    EXPECT_EQ(go(Outcome::success), 2U);
    EXPECT_EQ(go(Outcome::success), 4U);
    EXPECT_EQ(go(Outcome::failure), 1U);
    EXPECT_EQ(go(Outcome::success), 2U);
    EXPECT_EQ(go(Outcome::success), 4U);
    EXPECT_EQ(go(Outcome::success), 8U);
    EXPECT_EQ(go(Outcome::success), 8U);
}

TEST(CallbackQueue, drops_callbacks_with_expired_lease) {
    CallbackQueue queue{{.per_url = 1, .startable_for = 40s}};
    queue.add(claimed("u", 2), kStart);
    EXPECT_TRUE(queue.start(kStart + 40s));
    queue.finished(endpoint("u"), Outcome::success);
    EXPECT_FALSE(queue.start(kStart + 40s + 1ms));
}

TEST(CallbackQueue, sends_reclaimed_callback_once_with_the_newer_lease) {
    CallbackQueue queue{{.per_url = 8}};
    auto first = claimed("u", 1);
    first[0].lease_token = "old";
    queue.add(first, kStart);
    first[0].lease_token = "new";
    queue.add(first, kStart + 60s);
    EXPECT_EQ(queue.start(kStart + 60s)->lease_token, "new");
    EXPECT_FALSE(queue.start(kStart + 60s));
}

TEST(CallbackQueue, limits_slow_urls_to_their_part_of_the_senders) {
    CallbackQueue queue{{.per_url = 4, .slow_at_once = 3}};
    for (const char* url : {"a", "b"}) {
        queue.add(claimed(url, 1), kStart);
        ASSERT_TRUE(queue.start(kStart));
        queue.finished(endpoint(url), Outcome::success, 14s);
    }
    queue.add(claimed("a", 4), kStart);
    queue.add(claimed("b", 4), kStart);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(queue.start(kStart));
    EXPECT_FALSE(queue.can_start(kStart)) << "three, though each has a share of four";
    queue.add(claimed("quick", 1), kStart);
    EXPECT_EQ(queue.start(kStart)->url, "quick");
    queue.finished(endpoint("a"), Outcome::success, 10ms);
    EXPECT_EQ(queue.start(kStart)->url, "a") << "quick again: its own share";
}

TEST(CallbackQueue, counts_slow_urls_correctly_whenever_they_become_slow) {
    CallbackQueue queue{{.per_url = 4, .slow_at_once = 2}};
    queue.add(claimed("a", 4), kStart);
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(queue.start(kStart));
    for (int i = 0; i < 4; ++i)
        queue.finished(endpoint("a"), Outcome::success, i % 2 == 0 ? 5'000ms : 5ms);
    queue.add(claimed("a", 1), kStart);
    ASSERT_TRUE(queue.start(kStart));
    queue.finished(endpoint("a"), Outcome::failure, 15s);
    queue.add(claimed("b", 1), kStart);
    ASSERT_TRUE(queue.start(kStart));
    queue.finished(endpoint("b"), Outcome::success, 15s);
    queue.add(claimed("a", 2), kStart);
    queue.add(claimed("b", 2), kStart);
    std::size_t started = 0;
    while (queue.start(kStart))
        ++started;
    EXPECT_EQ(started, 2U);
}

TEST(CallbackQueue, spaces_starts_of_rate_limited_url_only) {
    CallbackQueue queue{{.per_url = 100, .startable_for = 100s, .per_second = 10}};
    queue.add(claimed("u", 50), kStart);
    const auto started_at = [&](CallbackQueue::TimePoint now) {
        std::size_t count = 0;
        while (queue.start(now))
            ++count;
        return count;
    };
    EXPECT_EQ(started_at(kStart), 2U) << "one, and one within the slack";
    EXPECT_EQ(queue.next_start(kStart), kStart + 100ms);
    EXPECT_FALSE(queue.can_start(kStart + 99ms));
    EXPECT_EQ(started_at(kStart + 100ms), 1U);
    EXPECT_EQ(started_at(kStart + 10s), 2U) << "what it did not use is not saved up";
    queue.add(claimed("v", 1), kStart + 10s);
    EXPECT_EQ(queue.start(kStart + 10s)->url, "v");
    std::size_t in_ten_seconds = 0;
    for (auto now = kStart + 10s; now < kStart + 20s; now += 10ms)
        in_ten_seconds += started_at(now);
    EXPECT_EQ(in_ten_seconds, 45U) << "all that was left";
}

TEST(CallbackQueue, bounds_entries_per_url_and_number_of_urls) {
    CallbackQueue queue{{.per_url = 2, .waiting = 10, .urls = 3}};
    queue.add(claimed("u", 100), kStart);
    std::size_t started = 0;
    while (queue.start(kStart)) {
        queue.finished(endpoint("u"), Outcome::success);
        ++started;
    }
    EXPECT_EQ(started, 10U);
    for (int i = 0; i < 10; ++i) {
        const auto url = fmt::format("failing{}", i);
        queue.add(claimed(url, 1), kStart);
        EXPECT_TRUE(queue.start(kStart));
        queue.finished(endpoint(url), Outcome::failure);
    }
    EXPECT_EQ(queue.share(endpoint("failing0")), 2U) << "forgotten, so it has its whole share again";
    EXPECT_EQ(queue.share(endpoint("failing9")), 1U);
}

}  // namespace
}  // namespace photogate::notifier::callbacks
