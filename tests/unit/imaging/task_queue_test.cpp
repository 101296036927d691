// Who is served next, without threads or clocks.
#include "imaging/task_queue.hpp"

#include <set>

#include <gtest/gtest.h>

namespace photogate::imaging {
namespace {

using namespace std::chrono_literals;

constexpr std::array<LaneOptions, kLanes> kEven{LaneOptions{1, 100}, LaneOptions{1, 100}};
constexpr std::array<LaneOptions, kLanes> kTwoToOne{LaneOptions{2, 100}, LaneOptions{1, 100}};

TEST(TaskQueue, serves_one_lane_in_the_order_of_arrival) {
    TaskQueue queue(1, kEven);
    const auto first = queue.put(Lane::uploads, Priority::normal);
    const auto second = queue.put(Lane::uploads, Priority::normal);
    EXPECT_EQ(queue.take(), first);
    EXPECT_EQ(queue.take(), second);
    EXPECT_EQ(queue.take(), std::nullopt);
    EXPECT_EQ(queue.running(Lane::uploads), 2U);
}

TEST(TaskQueue, serves_a_higher_priority_first_and_within_one_who_came_first) {
    TaskQueue queue(1, kEven);
    const auto low = queue.put(Lane::on_demand, Priority::low);
    const auto normal = queue.put(Lane::on_demand, Priority::normal);
    const auto high = queue.put(Lane::on_demand, Priority::high);
    const auto high_too = queue.put(Lane::on_demand, Priority::high);
    EXPECT_EQ(queue.take(), high);
    EXPECT_EQ(queue.take(), high_too);
    EXPECT_EQ(queue.take(), normal);
    EXPECT_EQ(queue.take(), low);
}

TEST(TaskQueue, gives_a_single_process_to_the_lanes_in_turn) {
    TaskQueue queue(1, kEven);
    std::set<TaskQueue::Ticket> on_demand;
    for (int i = 0; i < 50; ++i)
        (void)queue.put(Lane::uploads, Priority::normal);
    for (int i = 0; i < 5; ++i)
        on_demand.insert(*queue.put(Lane::on_demand, Priority::low));
    int served = 0;
    for (int i = 0; i < 10; ++i) {
        const bool waited_for = on_demand.contains(*queue.take());
        served += waited_for ? 1 : 0;
        queue.ended(waited_for ? Lane::on_demand : Lane::uploads, 1ms);
    }
    EXPECT_EQ(served, 5);
}

TEST(TaskQueue, gives_processes_by_shares_while_both_lanes_wait) {
    TaskQueue queue(6, kTwoToOne);
    for (int i = 0; i < 50; ++i) {
        (void)queue.put(Lane::on_demand, Priority::high);
        (void)queue.put(Lane::uploads, Priority::low);
    }
    for (int i = 0; i < 6; ++i)
        (void)queue.take();
    EXPECT_EQ(queue.running(Lane::uploads), 4U);
    EXPECT_EQ(queue.running(Lane::on_demand), 2U);
}

TEST(TaskQueue, gives_all_processes_to_the_only_lane_that_waits) {
    TaskQueue queue(4, kTwoToOne);
    for (int i = 0; i < 4; ++i)
        (void)queue.put(Lane::on_demand, Priority::normal);
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(queue.take());
    // Who comes now is next as soon as one ends.
    const auto upload = queue.put(Lane::uploads, Priority::normal);
    (void)queue.put(Lane::on_demand, Priority::high);
    queue.ended(Lane::on_demand, 1ms);
    EXPECT_EQ(queue.take(), upload);
}

TEST(TaskQueue, leaves_one_process_free_of_a_party_whose_tasks_are_slow) {
    TaskQueue queue(3, kEven);
    for (int i = 0; i < 6; ++i)
        (void)queue.put(Lane::uploads, Priority::high, "slow");
    EXPECT_TRUE(queue.take());
    EXPECT_TRUE(queue.take());
    EXPECT_FALSE(queue.is_ready()) << "nobody knows yet how long its tasks take";
    EXPECT_EQ(queue.take(), std::nullopt);
    const auto other = queue.put(Lane::uploads, Priority::low, "other");
    EXPECT_TRUE(queue.is_ready());
    EXPECT_EQ(queue.take(), other);
    queue.ended(Lane::uploads, 100ms, "other");
    queue.ended(Lane::uploads, 20s, "slow");
    EXPECT_TRUE(queue.take()) << "its second";
    EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(TaskQueue, gives_all_processes_to_a_party_whose_tasks_are_quick) {
    TaskQueue queue(2, kEven);
    for (int i = 0; i < 4; ++i)
        (void)queue.put(Lane::uploads, Priority::normal, "quick");
    EXPECT_TRUE(queue.take());
    EXPECT_EQ(queue.take(), std::nullopt);
    queue.ended(Lane::uploads, 300ms, "quick");
    EXPECT_TRUE(queue.take());
    EXPECT_TRUE(queue.take());
}

TEST(TaskQueue, needs_many_quick_tasks_after_a_slow_one_also_when_the_party_was_away) {
    TaskQueue queue(2, kEven);
    const auto begin = [&] { ASSERT_TRUE(queue.take()); };
    const auto end = [&](TaskQueue::Duration took) { queue.ended(Lane::uploads, took, "sly"); };
    /// Three quick tasks; whether the third may begin beside the second.
    const auto gets_both = [&] {
        for (int i = 0; i < 3; ++i)
            (void)queue.put(Lane::uploads, Priority::normal, "sly");
        begin(), end(1ms), begin();
        const bool both = queue.is_ready();
        end(1ms), begin(), end(1ms);
        return both;
    };
    (void)queue.put(Lane::uploads, Priority::normal, "sly");
    begin(), end(2s);
    for (std::size_t quick = 0; quick + 1 < TaskQueue::kProofAfterSlow; quick += 3)
        EXPECT_FALSE(gets_both()) << quick;
    EXPECT_TRUE(gets_both());
}

TEST(TaskQueue, gives_a_single_process_to_whoever_waits) {
    TaskQueue queue(1, kEven);
    (void)queue.put(Lane::uploads, Priority::normal, "slow");
    EXPECT_TRUE(queue.take());
    queue.ended(Lane::uploads, 20s, "slow");
    (void)queue.put(Lane::uploads, Priority::normal, "slow");
    EXPECT_TRUE(queue.take());
}

TEST(TaskQueue, leaves_all_processes_to_tasks_of_nobody_in_particular) {
    TaskQueue queue(2, kEven);
    for (int i = 0; i < 2; ++i)
        (void)queue.put(Lane::uploads, Priority::normal);
    EXPECT_TRUE(queue.take());
    EXPECT_TRUE(queue.take());
}

TEST(TaskQueue, remembers_a_bounded_number_of_slow_parties) {
    TaskQueue queue(2, kEven);
    for (std::size_t i = 0; i < 3 * TaskQueue::kMostParties; ++i) {
        const auto party = std::to_string(i);
        (void)queue.put(Lane::uploads, Priority::normal, party);
        (void)queue.take();
        queue.ended(Lane::uploads, 2s, party);
    }
    EXPECT_LE(queue.parties(), TaskQueue::kMostParties);
}

TEST(TaskQueue, refuses_more_than_may_wait_in_a_lane) {
    TaskQueue queue(1, {LaneOptions{1, 2}, LaneOptions{1, 1}});
    EXPECT_TRUE(queue.put(Lane::on_demand, Priority::normal));
    EXPECT_FALSE(queue.put(Lane::on_demand, Priority::high));
    EXPECT_TRUE(queue.put(Lane::uploads, Priority::normal));
    EXPECT_TRUE(queue.put(Lane::uploads, Priority::normal));
    EXPECT_FALSE(queue.put(Lane::uploads, Priority::normal));
}

TEST(TaskQueue, removes_only_what_waits) {
    TaskQueue queue(1, kEven);
    const auto first = queue.put(Lane::uploads, Priority::normal);
    const auto second = queue.put(Lane::uploads, Priority::normal);
    EXPECT_EQ(queue.take(), first);
    EXPECT_FALSE(queue.remove(*first));
    EXPECT_TRUE(queue.remove(*second));
    EXPECT_FALSE(queue.remove(*second));
    EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(TaskQueue, expects_as_long_as_tasks_took_lately_for_each_that_is_ahead) {
    TaskQueue queue(1, kEven);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::normal), 0us);
    (void)queue.put(Lane::on_demand, Priority::normal);
    (void)queue.take();
    queue.ended(Lane::on_demand, 100ms);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::normal), 100ms);
    (void)queue.put(Lane::on_demand, Priority::normal);
    (void)queue.take();
    for (int i = 0; i < 3; ++i)
        (void)queue.put(Lane::on_demand, Priority::normal);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::normal), 500ms);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::high), 200ms);
}

TEST(TaskQueue, learns_nothing_from_a_task_that_was_not_begun) {
    TaskQueue queue(2, kEven);
    (void)queue.put(Lane::on_demand, Priority::normal, "token");
    (void)queue.take();
    queue.not_begun(Lane::on_demand, "token");
    EXPECT_EQ(queue.running(Lane::on_demand), 0U);
    EXPECT_EQ(queue.parties(), 0U);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::normal), 0us);
}

TEST(TaskQueue, counts_only_its_share_while_the_other_lane_is_busy) {
    TaskQueue queue(2, kEven);
    (void)queue.put(Lane::on_demand, Priority::normal);
    (void)queue.take();
    queue.ended(Lane::on_demand, 100ms);
    for (int i = 0; i < 2; ++i) {
        (void)queue.put(Lane::uploads, Priority::normal);
        (void)queue.take();
    }
    (void)queue.put(Lane::on_demand, Priority::normal);
    EXPECT_EQ(queue.expected(Lane::on_demand, Priority::normal), 200ms);
}

}  // namespace
}  // namespace photogate::imaging
