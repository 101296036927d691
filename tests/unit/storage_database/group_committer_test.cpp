// Group commit with a transaction that the test controls.
#include "storage/database/group_committer.hpp"

#include <future>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace photogate::storage::database {
namespace {

using Committer = GroupCommitter<int, int>;
using Outcomes = std::vector<Result<int>>;

/// A transaction that waits until it is let through, and remembers what it was given.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    std::vector<std::vector<int>> groups;

    void pass(std::span<const int> items) {
        std::unique_lock lock{mutex};
        groups.emplace_back(items.begin(), items.end());
        changed.notify_all();
        changed.wait(lock, [this] { return open; });
    }
    void await_first() {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return !groups.empty(); });
    }
    void let_through() {
        const std::lock_guard lock{mutex};
        open = true;
        changed.notify_all();
    }
};

Outcomes doubled(std::span<const int> items) {
    Outcomes outcomes;
    for (const int item : items)
        outcomes.emplace_back(item * 2);
    return outcomes;
}

std::future<Result<int>> submit(Committer& committer, int item) {
    auto promise = std::make_shared<std::promise<Result<int>>>();
    auto future = promise->get_future();
    committer.submit(item, [promise](Result<int> outcome) { promise->set_value(std::move(outcome)); });
    return future;
}

TEST(GroupCommitterTest, groups_arrivals_during_a_transaction_into_the_next) {
    Gate gate;
    Committer committer{{}, [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            return doubled(items);
                        }};
    auto first = submit(committer, 1);
    gate.await_first();
    std::vector<std::future<Result<int>>> rest;
    for (int i = 2; i < 10; ++i)
        rest.push_back(submit(committer, i));
    gate.let_through();
    EXPECT_EQ(first.get().value(), 2);
    for (int i = 2; i < 10; ++i)
        EXPECT_EQ(rest[static_cast<std::size_t>(i - 2)].get().value(), 2 * i);
    EXPECT_EQ(gate.groups, (std::vector<std::vector<int>>{{1}, {2, 3, 4, 5, 6, 7, 8, 9}}));
}

TEST(GroupCommitterTest, second_transaction_begins_beside_the_first_once_enough_wait) {
    Gate gate;
    Committer committer{{.lanes = 2, .worth_another = 4},
                        [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            return doubled(items);
                        }};
    std::vector<std::future<Result<int>>> all;
    all.push_back(submit(committer, 1));
    gate.await_first();
    for (int i = 2; i < 5; ++i)
        all.push_back(submit(committer, i));
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    {
        const std::lock_guard lock{gate.mutex};
        EXPECT_EQ(gate.groups.size(), 1U) << "three are not worth another";
    }
    all.push_back(submit(committer, 5));
    {
        std::unique_lock lock{gate.mutex};
        gate.changed.wait(lock, [&] { return gate.groups.size() == 2; });
        EXPECT_EQ(gate.groups[1], (std::vector<int>{2, 3, 4, 5}));
    }
    for (int i = 6; i < 20; ++i)
        all.push_back(submit(committer, i));
    {
        const std::lock_guard lock{gate.mutex};
        EXPECT_EQ(gate.groups.size(), 2U) << "no more lanes than there are";
    }
    gate.let_through();
    for (int i = 1; i < 20; ++i)
        EXPECT_EQ(all[static_cast<std::size_t>(i - 1)].get().value(), 2 * i);
}

TEST(GroupCommitterTest, limits_group_size) {
    Gate gate;
    Committer committer{{.group_limit = 3}, [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            return doubled(items);
                        }};
    auto first = submit(committer, 0);
    gate.await_first();
    std::vector<std::future<Result<int>>> rest;
    for (int i = 1; i < 8; ++i)
        rest.push_back(submit(committer, i));
    gate.let_through();
    for (auto& each : rest)
        EXPECT_TRUE(each.get());
    for (const auto& group : gate.groups)
        EXPECT_LE(group.size(), 3U);
}

TEST(GroupCommitterTest, reports_overload_immediately_when_the_queue_is_full) {
    Gate gate;
    Committer committer{{.queue_limit = 2}, [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            return doubled(items);
                        }};
    auto first = submit(committer, 1);
    gate.await_first();
    auto second = submit(committer, 2), third = submit(committer, 3), fourth = submit(committer, 4);
    EXPECT_EQ(fourth.get().error().code, ErrorCode::overloaded);
    gate.let_through();
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(third.get());
}

TEST(GroupCommitterTest, fails_only_the_bad_row) {
    Gate gate;
    Committer committer{{}, [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            for (const int item : items) {
                                if (item == 5) return fail(ErrorCode::database_constraint, "five");
                            }
                            return doubled(items);
                        }};
    auto first = submit(committer, 0);
    gate.await_first();
    std::vector<std::future<Result<int>>> rest;
    for (int i = 1; i < 10; ++i)
        rest.push_back(submit(committer, i));
    gate.let_through();
    for (int i = 1; i < 10; ++i) {
        const auto outcome = rest[static_cast<std::size_t>(i - 1)].get();
        EXPECT_EQ(outcome.has_value(), i != 5) << i;
    }
}

TEST(GroupCommitterTest, asks_unreachable_database_once_instead_of_per_row) {
    Gate gate;
    Committer committer{{}, [&](std::span<const int> items) -> Result<Outcomes> {
                            gate.pass(items);
                            return fail(ErrorCode::database_unavailable, "away");
                        }};
    auto first = submit(committer, 0);
    gate.await_first();
    std::vector<std::future<Result<int>>> rest;
    for (int i = 1; i < 10; ++i)
        rest.push_back(submit(committer, i));
    gate.let_through();
    for (auto& each : rest)
        EXPECT_EQ(each.get().error().code, ErrorCode::database_unavailable);
    EXPECT_EQ(gate.groups.size(), 2U);
}

TEST(GroupCommitterTest, fails_rows_of_throwing_transaction_and_continues) {
    Committer committer{{}, [](std::span<const int> items) -> Result<Outcomes> {
                            if (items[0] == 1) throw std::runtime_error("broken");
                            return doubled(items);
                        }};
    EXPECT_EQ(submit(committer, 1).get().error().code, ErrorCode::internal);
    EXPECT_EQ(submit(committer, 2).get().value(), 4);
}

TEST(GroupCommitterTest, commits_waiting_rows_on_stop_and_rejects_later_ones) {
    Committer committer{{}, [](std::span<const int> items) -> Result<Outcomes> { return doubled(items); }};
    std::vector<std::future<Result<int>>> all;
    for (int i = 0; i < 500; ++i)
        all.push_back(submit(committer, i));
    committer.stop();
    for (auto& each : all)
        EXPECT_TRUE(each.get());
    EXPECT_EQ(submit(committer, 1).get().error().code, ErrorCode::unavailable);
}

TEST(GroupCommitterTest, bounds_waiting_time_on_stop) {
    Gate gate;
    auto committer =
        std::make_unique<Committer>(GroupOptions{.group_limit = 1, .drain = std::chrono::milliseconds{0}},
                                    [&](std::span<const int> items) -> Result<Outcomes> {
                                        gate.pass(items);
                                        return doubled(items);
                                    });
    auto first = submit(*committer, 1);
    gate.await_first();
    auto second = submit(*committer, 2);
    std::thread opener{[&] {
        while (submit(*committer, 3).wait_for(std::chrono::seconds{0}) != std::future_status::ready)
            continue;
        gate.let_through();
    }};
    committer->stop();
    opener.join();
    EXPECT_TRUE(first.get());
    EXPECT_EQ(second.get().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace photogate::storage::database
