#include "gateway/waiting/waiters.hpp"

#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace photogate::gateway::waiting {
namespace {

using namespace std::chrono_literals;
using model::Upload;
using model::UploadState;
using storage::records::EndedUpload;

UploadId id(int number) {
    return UploadId::trusted("upl_" + std::to_string(100'000 + number));
}

Upload upload(const UploadId& id, UploadState state = UploadState::published) {
    Upload made;
    made.id = id;
    made.state = state;
    return made;
}

/// Uploads that end when the test says so; every requested upload exists.
class FakeWatch final : public UploadWatch {
  public:
    Result<std::vector<EndedUpload>> ended(const std::vector<UploadId>& ids) override {
        std::lock_guard lock(mutex);
        if (ids.front() == id(0)) rounds.push_back({questions, std::chrono::steady_clock::now()});
        ++questions;
        largest = std::max(largest, ids.size());
        if (away) return fail(ErrorCode::database_unavailable, "away");
        std::vector<EndedUpload> found;
        for (const auto& each : ids) {
            if (ended_ids.contains(each)) found.push_back({each, busy_ids.contains(each)});
        }
        return found;
    }
    Result<std::vector<Upload>> read(const std::vector<UploadId>& ids) override {
        std::lock_guard lock(mutex);
        ++reads;
        std::vector<Upload> found;
        for (const auto& each : ids)
            found.push_back(
                upload(each, ended_ids.contains(each) ? UploadState::published : UploadState::created));
        return found;
    }
    Result<std::vector<storage::records::MarkedUpload>> marks(const std::vector<UploadId>& ids) override {
        std::lock_guard lock(mutex);
        ++mark_questions;
        if (away) return fail(ErrorCode::database_unavailable, "away");
        std::vector<storage::records::MarkedUpload> found;
        for (const auto& each : ids) {
            if (!gone_ids.contains(each)) found.push_back({each, marked[each]});
        }
        return found;
    }
    void end(const UploadId& each) {
        std::lock_guard lock(mutex);
        ended_ids.insert(each);
    }
    void mark(const UploadId& each, std::uint64_t as) {
        std::lock_guard lock(mutex);
        marked[each] = as;
    }
    int asked() {
        std::lock_guard lock(mutex);
        return questions;
    }
    /// When it was asked for all that wait, if the first of them does.
    struct Round {
        int questions_before = 0;
        std::chrono::steady_clock::time_point at;
    };
    std::vector<Round> all_rounds() {
        std::lock_guard lock(mutex);
        return rounds;
    }

    std::mutex mutex;
    std::set<UploadId> ended_ids, busy_ids, gone_ids;
    std::map<UploadId, std::uint64_t> marked;
    int mark_questions = 0;
    bool away = false;
    int questions = 0;
    int reads = 0;
    std::size_t largest = 0;
    std::vector<Round> rounds;
};

struct Outcome {
    Result<Upload> upload;
    Waited waited;
};

class WaitersTest : public testing::Test {
  protected:
    static Waiters::Options options(access::PlaceLimits limits = {.all = 100'000, .per_app = 100'000}) {
        return {.limits = limits, .look_every = 20ms, .gather = 1ms};
    }
    std::shared_ptr<Waiters::Waiter> enter(Waiters& waiters) {
        auto entered = waiters.enter({"shop", "", std::nullopt});
        EXPECT_TRUE(entered);
        return *entered;
    }
    std::future<Outcome> wait(Waiters& waiters, const UploadId& which, Until until = Until::ended,
                              std::chrono::milliseconds at_most = 60s) {
        auto promise = std::make_shared<std::promise<Outcome>>();
        auto future = promise->get_future();
        waiters.wait(enter(waiters), {which, until, at_most}, [promise](Result<Upload> found, Waited waited) {
            promise->set_value({std::move(found), waited});
        });
        return future;
    }

    FakeWatch watch;
};

TEST_F(WaitersTest, answers_when_the_upload_ends_here_or_elsewhere) {
    Waiters waiters{watch, options()};
    auto here = wait(waiters, id(1));
    auto elsewhere = wait(waiters, id(2));
    waiters.finished(upload(id(1)));
    const auto first = here.get();
    EXPECT_EQ(first.upload->id, id(1));
    EXPECT_EQ(first.waited, Waited::fulfilled);
    watch.end(id(2));
    const auto second = elsewhere.get();
    EXPECT_EQ(second.upload->state, UploadState::published);
    EXPECT_EQ(second.waited, Waited::fulfilled);
    EXPECT_EQ(waiters.counts().places.taken, 0U);
}

TEST_F(WaitersTest, answers_at_its_deadline_with_the_upload_as_it_is) {
    Waiters waiters{watch, options()};
    const auto outcome = wait(waiters, id(1), Until::ended, 50ms).get();
    EXPECT_EQ(outcome.upload->state, UploadState::created);
    EXPECT_EQ(outcome.waited, Waited::timed_out);
}

TEST_F(WaitersTest, waits_for_the_objects_to_be_gone) {
    Waiters waiters{watch, options()};
    {
        std::lock_guard lock(watch.mutex);
        watch.ended_ids.insert(id(1));
        watch.busy_ids.insert(id(1));
    }
    auto gone = wait(waiters, id(1), Until::gone);
    while (watch.asked() < 3)
        std::this_thread::sleep_for(1ms);
    EXPECT_EQ(gone.wait_for(0s), std::future_status::timeout);
    {
        std::lock_guard lock(watch.mutex);
        watch.busy_ids.clear();
    }
    waiters.settled(id(1));
    EXPECT_EQ(gone.get().waited, Waited::fulfilled);
}

TEST_F(WaitersTest, what_must_wait_for_a_while_is_not_fulfilled_before) {
    Waiters waiters{watch, options()};
    watch.end(id(1));
    const auto begun = std::chrono::steady_clock::now();
    auto fulfilled = std::make_shared<std::promise<Waited>>();
    waiters.wait(enter(waiters), {id(1), Until::gone, 60s, 60ms},
                 [fulfilled](const Result<Upload>&, Waited waited) { fulfilled->set_value(waited); });
    waiters.settled(id(1));
    EXPECT_EQ(fulfilled->get_future().get(), Waited::fulfilled);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 60ms);

    auto too_late = std::make_shared<std::promise<Waited>>();
    waiters.wait(enter(waiters), {id(1), Until::gone, 50ms, 1h},
                 [too_late](const Result<Upload>&, Waited waited) { too_late->set_value(waited); });
    EXPECT_EQ(too_late->get_future().get(), Waited::timed_out) << "its deadline holds all the same";
}

TEST_F(WaitersTest, answers_everybody_with_the_error_where_the_records_are_away) {
    Waiters waiters{watch, options()};
    {
        std::lock_guard lock(watch.mutex);
        watch.away = true;
    }
    const auto outcome = wait(waiters, id(1)).get();
    EXPECT_EQ(outcome.upload.error().code, ErrorCode::database_unavailable);
    EXPECT_EQ(waiters.waiting(), 0U);
}

TEST_F(WaitersTest, removes_an_abandoned_waiter_at_once_and_frees_what_its_answer_owns) {
    Waiters waiters{watch, options({.all = 1})};
    auto owned = std::make_shared<int>(7);
    const std::weak_ptr<int> seen = owned;
    const auto waiter = enter(waiters);
    EXPECT_FALSE(waiters.enter({"shop", "", std::nullopt}));
    waiters.wait(waiter, {id(1), Until::ended, 60s},
                 [owned = std::move(owned)](const Result<Upload>&, Waited) { FAIL() << *owned; });
    EXPECT_EQ(waiters.waiting(), 1U);
    waiters.abandon(waiter, http::Abandoned::by_client);
    EXPECT_EQ(waiters.waiting(), 0U);
    EXPECT_TRUE(seen.expired());
    EXPECT_TRUE(waiters.enter({"shop", "", std::nullopt}));
    EXPECT_EQ(waiters.counts().abandoned, 1U);
    waiters.abandon(waiter, http::Abandoned::by_client);
    waiters.finished(upload(id(1)));
    EXPECT_EQ(waiters.counts().abandoned, 1U);
}

TEST_F(WaitersTest, does_not_wait_for_a_client_that_went_before) {
    Waiters waiters{watch, options()};
    const auto waiter = enter(waiters);
    waiters.abandon(waiter, http::Abandoned::evicted);
    waiters.wait(waiter, {id(1), Until::ended, 60s}, [](const Result<Upload>&, Waited) { FAIL(); });
    EXPECT_EQ(waiters.waiting(), 0U);
    EXPECT_EQ(waiters.counts().places.taken, 0U);
    EXPECT_EQ(waiters.counts().evicted, 1U);
}

TEST_F(WaitersTest, gives_the_place_of_a_request_back_that_never_waited) {
    Waiters waiters{watch, options()};
    { const auto waiter = enter(waiters); }
    EXPECT_EQ(waiters.counts().places.taken, 0U);
}

TEST_F(WaitersTest, answers_or_abandons_each_once_however_they_meet) {
    Waiters waiters{watch, options()};
    constexpr int kRounds = 3'000;
    std::atomic<int> answered{0};
    for (int i = 0; i < kRounds; ++i) {
        const auto waiter = enter(waiters);
        waiters.wait(waiter, {id(i), Until::ended, 60s}, [&](const Result<Upload>&, Waited) { ++answered; });
        if (i % 3 == 0) {
            watch.end(id(i));
            waiters.settled(id(i));
            waiters.abandon(waiter, http::Abandoned::by_client);
        } else {
            std::thread leaving([&] { waiters.abandon(waiter, http::Abandoned::by_client); });
            waiters.finished(upload(id(i)));
            leaving.join();
        }
    }
    EXPECT_EQ(waiters.waiting(), 0U);
    const auto counts = waiters.counts();
    EXPECT_EQ(answered + static_cast<int>(counts.abandoned), kRounds);
    EXPECT_EQ(counts.places.taken, 0U);
}

TEST_F(WaitersTest, asks_once_for_thousands_of_waiters) {
    auto slow = options();
    slow.look_every = 40ms;
    const auto begun = std::chrono::steady_clock::now();
    Waiters waiters{watch, slow};
    constexpr int kWaiters = 10'000;
    std::vector<std::future<Outcome>> all;
    for (int i = 0; i < kWaiters; ++i)
        all.push_back(wait(waiters, id(i)));
    // The next round may have been gathered before the last waiter came; the one behind it looks at them all.
    const auto first = watch.all_rounds().size() + 1;
    while (watch.all_rounds().size() < first + 4)
        std::this_thread::sleep_for(1ms);
    const auto rounds = watch.all_rounds();
    for (auto each = first + 1; each < first + 4; ++each)
        EXPECT_EQ(rounds[each].questions_before - rounds[each - 1].questions_before, 3);
    EXPECT_GE(rounds.back().at - begun, slow.look_every * (static_cast<int>(rounds.size()) - 2));
    EXPECT_LE(watch.largest, 4'096U);
    for (int i = 0; i < kWaiters; ++i)
        watch.end(id(i));
    for (auto& each : all)
        EXPECT_EQ(each.get().waited, Waited::fulfilled);
    EXPECT_LE(watch.reads, 200);
}

std::future<Followed> follow(Waiters& waiters, const std::shared_ptr<Waiters::Waiter>& place,
                             const UploadId& which, std::uint64_t seen,
                             std::chrono::milliseconds at_most = 60s) {
    auto promise = std::make_shared<std::promise<Followed>>();
    auto future = promise->get_future();
    waiters.follow(place, {which, seen, at_most}, [promise](Followed what) { promise->set_value(what); });
    return future;
}

TEST_F(WaitersTest, tells_a_stream_of_each_change_in_one_place) {
    Waiters waiters{watch, options({.all = 1})};
    const auto place = enter(waiters);
    watch.mark(id(1), 7);
    EXPECT_EQ(follow(waiters, place, id(1), 3).get(), Followed::changed) << "before it followed";
    auto next = follow(waiters, place, id(1), 7);
    EXPECT_EQ(next.wait_for(60ms), std::future_status::timeout);
    watch.mark(id(1), 8);
    EXPECT_EQ(next.get(), Followed::changed);
    EXPECT_EQ(waiters.waiting(), 0U);
    EXPECT_FALSE(waiters.enter({"shop", "", std::nullopt})) << "the place is held between the waits";
    auto here = follow(waiters, place, id(1), 8);
    waiters.finished(upload(id(1)));
    EXPECT_EQ(here.get(), Followed::changed) << "at once, where it ends in this process";
    watch.gone_ids.insert(id(1));
    EXPECT_EQ(follow(waiters, place, id(1), 8).get(), Followed::changed) << "what is not there any more";
}

TEST_F(WaitersTest, tells_a_stream_that_nothing_changed_when_its_time_is_over) {
    Waiters waiters{watch, options()};
    EXPECT_EQ(follow(waiters, enter(waiters), id(1), 0, 40ms).get(), Followed::unchanged);
    {
        std::lock_guard lock(watch.mutex);
        watch.away = true;
    }
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(follow(waiters, enter(waiters), id(1), 5, 40ms).get(), Followed::unchanged);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 40ms) << "not as often as the records fail";
    auto released = follow(waiters, enter(waiters), id(1), 0);
    waiters.release_all();
    EXPECT_EQ(released.get(), Followed::unchanged);
}

TEST_F(WaitersTest, an_abandoned_stream_is_told_nothing_and_gives_its_place_back) {
    Waiters waiters{watch, options({.all = 1})};
    const auto place = enter(waiters);
    waiters.follow(place, {id(1), 0, 60s}, [](Followed) { FAIL(); });
    waiters.abandon(place, http::Abandoned::by_client);
    EXPECT_EQ(waiters.waiting(), 0U);
    EXPECT_TRUE(waiters.enter({"shop", "", std::nullopt}));
    waiters.follow(place, {id(1), 5, 60s}, [](Followed) { FAIL(); });
    EXPECT_EQ(waiters.waiting(), 0U);
}

TEST_F(WaitersTest, those_who_wait_and_streams_of_one_upload_are_told_each_its_own) {
    Waiters waiters{watch, options()};
    auto poll = wait(waiters, id(1));
    auto stream = follow(waiters, enter(waiters), id(1), 0);
    watch.mark(id(1), 1);
    EXPECT_EQ(stream.get(), Followed::changed);
    EXPECT_EQ(poll.wait_for(60ms), std::future_status::timeout);
    auto next = follow(waiters, enter(waiters), id(1), 1);
    watch.end(id(1));
    EXPECT_EQ(poll.get().waited, Waited::fulfilled);
    EXPECT_EQ(next.wait_for(60ms), std::future_status::timeout);
}

TEST_F(WaitersTest, asks_one_question_for_thousands_of_streams) {
    auto slow = options();
    slow.look_every = 50ms;
    Waiters waiters{watch, slow};
    constexpr int kStreams = 4'000;
    std::vector<std::future<Followed>> all;
    for (int i = 0; i < kStreams; ++i)
        all.push_back(follow(waiters, enter(waiters), id(i), 0));
    std::this_thread::sleep_for(200ms);
    const auto asked = [&] {
        std::lock_guard lock(watch.mutex);
        return watch.mark_questions;
    };
    const auto before = asked();
    const auto begun = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(500ms);
    const auto rounds = (std::chrono::steady_clock::now() - begun) / slow.look_every + 2;
    EXPECT_LE(asked() - before, rounds);
    for (int i = 0; i < kStreams; ++i)
        watch.mark(id(i), 1);
    for (auto& each : all)
        EXPECT_EQ(each.get(), Followed::changed);
    EXPECT_EQ(watch.reads, 0);
}

TEST_F(WaitersTest, releases_present_and_later_waiters) {
    Waiters waiters{watch, options()};
    auto before = wait(waiters, id(1));
    waiters.release_all();
    EXPECT_EQ(before.get().waited, Waited::timed_out);
    EXPECT_EQ(wait(waiters, id(2)).get().waited, Waited::timed_out);
}

TEST_F(WaitersTest, answers_all_at_its_own_end) {
    auto waiters = std::make_unique<Waiters>(watch, options());
    auto left = wait(*waiters, id(1));
    waiters.reset();
    EXPECT_EQ(left.get().waited, Waited::timed_out);
}

}  // namespace
}  // namespace photogate::gateway::waiting
