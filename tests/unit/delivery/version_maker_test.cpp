// Many who ask, one attempt: flights, deadlines, budgets; the attempts and the pool are the test's.
#include "delivery/version_maker.hpp"

#include <deque>

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

using namespace std::chrono_literals;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;
using Steady = VersionMaker::Steady;

class VersionMakerTest : public testing::Test {
  protected:
    VersionMaker& maker(VersionMaker::Options options = {}) {
        options.looking = VersionMaker::Looking::by_hand;
        maker_.emplace(
            [this](const VersionOrder& order, Steady::time_point deadline,
                   const VersionRenderer::Wanted& wanted) {
                attempted.push_back(order.spec.max_edge);
                deadlines.push_back(deadline);
                if (during) during();
                return wanted() ? outcome : VersionRenderer::Unwanted{};
            },
            [this](std::function<void()> work) -> Result<> {
                if (full) return fail(ErrorCode::overloaded, "the pool is full");
                waiting_work.push_back(std::move(work));
                return {};
            },
            options);
        return *maker_;
    }
    static VersionOrder order(std::uint32_t edge = 480, const std::string& app = "shop") {
        VersionOrder asked;
        asked.source.upload = UploadId::trusted("upl_1");
        asked.source.app = AppName::trusted(app);
        asked.spec.max_edge = edge;
        return asked;
    }
    VersionMaker::Answer answer() {
        return [this](Result<StoredVersion> given) { answers.push_back(std::move(given)); };
    }
    /// What the pool has taken so far.
    void work() {
        auto taken = std::exchange(waiting_work, {});
        for (auto& each : taken)
            each();
    }
    ErrorCode code(std::size_t index) const {
        return answers.at(index) ? ErrorCode::not_found : answers.at(index).error().code;
    }

    VersionRenderer::Attempt outcome = StoredVersion{};
    bool full = false;
    std::function<void()> during;  ///< an attempt
    std::vector<std::uint32_t> attempted;
    std::vector<Steady::time_point> deadlines;
    std::deque<std::function<void()>> waiting_work;
    std::vector<Result<StoredVersion>> answers;

  private:
    std::optional<VersionMaker> maker_;
};

TEST_F(VersionMakerTest, all_who_ask_for_one_version_share_an_attempt) {
    auto& versions = maker();
    for (int i = 0; i < 3; ++i)
        versions.make(order(), answer());
    versions.make(order(640), answer());
    EXPECT_EQ(waiting_work.size(), 2U);
    EXPECT_EQ(versions.counts().making, 2U);
    EXPECT_EQ(versions.counts().waiting, 4U);
    EXPECT_TRUE(answers.empty());
    work();
    EXPECT_EQ(attempted, (std::vector<std::uint32_t>{480, 640}));
    ASSERT_EQ(answers.size(), 4U);
    for (const auto& given : answers)
        EXPECT_TRUE(given);
    EXPECT_EQ(versions.counts().waiting, 0U);
    EXPECT_EQ(versions.counts().making, 0U);
    EXPECT_EQ(versions.counts().made, 2U);
}

TEST_F(VersionMakerTest, what_is_begun_for_nobody_is_made_once_and_found_by_whoever_asks) {
    auto& versions = maker();
    versions.begin(order());
    versions.begin(order());
    EXPECT_EQ(waiting_work.size(), 1U);
    EXPECT_EQ(versions.counts().waiting, 1U);
    versions.make(order(), answer());
    work();
    EXPECT_EQ(attempted.size(), 1U);
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(versions.counts().making, 0U);
}

TEST_F(VersionMakerTest, what_is_begun_for_nobody_has_no_more_room_than_others) {
    VersionMaker::Options options;
    options.most_making = 1;
    auto& versions = maker(options);
    versions.begin(order(480));
    versions.begin(order(640));
    EXPECT_EQ(waiting_work.size(), 1U);
    EXPECT_EQ(versions.counts().refused, 1U);
}

TEST_F(VersionMakerTest, news_of_a_version_has_it_asked_for_at_once_and_no_other) {
    auto& versions = maker();
    outcome = VersionElsewhere{60s};
    versions.make(order(480), answer());
    versions.make(order(640), answer());
    work();
    ASSERT_EQ(attempted.size(), 2U);
    versions.heard({"of another"});
    versions.look(Steady::now());
    EXPECT_TRUE(waiting_work.empty());
    outcome = StoredVersion{};
    versions.heard({storage::records::tag_of(order(640).name())});
    versions.look(Steady::now());
    ASSERT_EQ(waiting_work.size(), 1U);
    work();
    EXPECT_EQ(attempted.back(), 640U);
    EXPECT_EQ(answers.size(), 1U);
    versions.heard({std::string{storage::records::kAnyVersion}});
    versions.look(Steady::now());
    work();
    EXPECT_EQ(answers.size(), 2U);
}

TEST_F(VersionMakerTest, a_failure_is_told_to_all_and_the_next_tries_again) {
    auto& versions = maker();
    outcome = Error{ErrorCode::unavailable, "broken", {}, 7s};
    versions.make(order(), answer());
    versions.make(order(), answer());
    work();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(code(0), ErrorCode::unavailable);
    EXPECT_EQ(answers[1].error().retry_after, 7s);
    outcome = StoredVersion{};
    versions.make(order(), answer());
    work();
    EXPECT_TRUE(answers.at(2));
    EXPECT_EQ(attempted.size(), 2U);
}

TEST_F(VersionMakerTest, what_another_gateway_makes_is_asked_for_again_without_a_thread) {
    auto& versions = maker();
    outcome = VersionElsewhere{60s};
    versions.make(order(), answer());
    work();
    EXPECT_TRUE(answers.empty());
    const auto next = versions.look(Steady::now());
    EXPECT_TRUE(waiting_work.empty()) << "not at once";
    EXPECT_LE(next, Steady::now() + 250ms);
    versions.look(Steady::now() + 300ms);
    EXPECT_EQ(waiting_work.size(), 1U);
    versions.look(Steady::now() + 300ms);
    EXPECT_EQ(waiting_work.size(), 1U) << "once";
    outcome = StoredVersion{};
    work();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_TRUE(answers[0]);
}

TEST_F(VersionMakerTest, whoever_waited_long_enough_is_told_to_come_back_and_the_attempt_goes_on) {
    auto& versions = maker({.patience = 5s});
    versions.make(order(), answer());
    versions.look(Steady::now() + 4s);
    EXPECT_TRUE(answers.empty());
    const auto begin = Steady::now();
    auto attempt = std::move(waiting_work.front());
    waiting_work.clear();
    attempt();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_GT(deadlines.at(0), begin + 1s);

    versions.make(order(640), answer());
    outcome = VersionElsewhere{60s};
    work();
    versions.look(Steady::now() + 6s);
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(code(1), ErrorCode::unavailable);
    EXPECT_TRUE(answers[1].error().retry_after);
    EXPECT_EQ(versions.counts().timed_out, 1U);
    EXPECT_EQ(versions.counts().waiting, 0U);
    work();
    EXPECT_EQ(versions.counts().making, 0U) << "nobody waits for it any more";
    EXPECT_EQ(attempted.size(), 2U) << "so it is not asked for again";
}

TEST_F(VersionMakerTest, what_nobody_waits_for_when_its_turn_comes_is_not_begun) {
    auto& versions = maker({.patience = 5s});
    versions.make(order(), answer());
    versions.look(Steady::now() + 6s);
    ASSERT_EQ(answers.size(), 1U);
    work();
    EXPECT_TRUE(attempted.empty());
    EXPECT_EQ(versions.counts().making, 0U);
}

TEST_F(VersionMakerTest, whoever_goes_gives_up_its_place_and_what_nobody_waits_for_is_not_begun) {
    auto& versions = maker({.most_waiting = 2});
    const auto first = VersionMaker::place(), second = VersionMaker::place();
    versions.make(order(), answer(), first);
    versions.make(order(640), answer(), second);
    versions.leave(first);
    versions.leave(first);
    EXPECT_EQ(versions.counts().waiting, 1U);
    EXPECT_EQ(versions.counts().left, 1U);
    versions.make(order(320), answer());
    EXPECT_TRUE(answers.empty()) << "there is a place again";
    work();
    EXPECT_EQ(attempted, (std::vector<std::uint32_t>{640, 320}));
    EXPECT_EQ(answers.size(), 2U);
    EXPECT_EQ(versions.counts().dropped, 1U);
    EXPECT_EQ(versions.counts().failed, 0U);
    EXPECT_EQ(versions.counts().making, 0U);
    versions.leave(second);  // after its answer
    EXPECT_EQ(versions.counts().left, 1U);
}

TEST_F(VersionMakerTest, one_of_several_who_goes_takes_nothing_from_the_others) {
    auto& versions = maker();
    const auto goes = VersionMaker::place();
    versions.make(order(), answer(), goes);
    versions.make(order(), answer(), VersionMaker::place());
    versions.leave(goes);
    work();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_TRUE(answers.at(0));
}

TEST_F(VersionMakerTest, whoever_has_gone_before_it_asks_asks_for_nothing) {
    auto& versions = maker();
    const auto gone = VersionMaker::place();
    versions.leave(gone);
    versions.make(order(), answer(), gone);
    EXPECT_TRUE(waiting_work.empty());
    EXPECT_EQ(versions.counts().waiting, 0U);
}

TEST_F(VersionMakerTest, an_attempt_learns_that_all_have_gone) {
    auto& versions = maker();
    const auto goes = VersionMaker::place();
    during = [&] { versions.leave(goes); };
    versions.make(order(), answer(), goes);
    work();
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(versions.counts().dropped, 1U);
}

TEST_F(VersionMakerTest, whoever_comes_while_it_is_being_left_has_it_begun_anew) {
    auto& versions = maker();
    outcome = VersionRenderer::Unwanted{};  // as of an attempt that asked just before
    versions.make(order(), answer());
    work();
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(waiting_work.size(), 1U);
    outcome = StoredVersion{};
    work();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_TRUE(answers[0]);
    EXPECT_EQ(versions.counts().dropped, 0U);
}

TEST_F(VersionMakerTest, refuses_more_than_there_is_room_for) {
    auto& versions = maker({.most_making = 3, .most_making_per_app = 2, .most_waiting = 4});
    versions.make(order(1), answer());
    versions.make(order(2), answer());
    versions.make(order(3), answer());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(code(0), ErrorCode::rate_limited) << "the app's share";
    EXPECT_TRUE(answers[0].error().retry_after);
    versions.make(order(3, "other"), answer());
    versions.make(order(4, "third"), answer());
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(code(1), ErrorCode::overloaded) << "all there is";
    versions.make(order(1), answer());
    ASSERT_EQ(answers.size(), 2U) << "whoever joins needs no room";
    versions.make(order(1), answer());
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(code(2), ErrorCode::overloaded) << "requests are bounded too";
    EXPECT_EQ(versions.counts().refused, 3U);
    work();
    versions.make(order(1), answer());
    EXPECT_EQ(waiting_work.size(), 1U) << "there is room again";
}

TEST_F(VersionMakerTest, a_full_pool_is_told_and_leaves_nothing_behind) {
    auto& versions = maker();
    full = true;
    versions.make(order(), answer());
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(code(0), ErrorCode::overloaded);
    EXPECT_TRUE(answers[0].error().retry_after);
    EXPECT_EQ(versions.counts().making, 0U);
}

TEST_F(VersionMakerTest, an_answer_may_ask_again) {
    auto& versions = maker();
    versions.make(order(), [&](Result<StoredVersion>) { versions.make(order(640), answer()); });
    work();
    work();
    EXPECT_EQ(answers.size(), 1U);
}

TEST_F(VersionMakerTest, its_end_answers_all_who_wait) {
    {
        VersionMaker versions{
            [](const VersionOrder&, Steady::time_point,
               const VersionRenderer::Wanted&) -> VersionRenderer::Attempt { return VersionElsewhere{60s}; },
            [](std::function<void()> work) -> Result<> {
                work();
                return {};
            },
            {}};
        versions.make(order(), answer());
    }
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(code(0), ErrorCode::unavailable);
}

}  // namespace
}  // namespace photogate::delivery
