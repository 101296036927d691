#include "pipeline/jobs/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <set>
#include <stdexcept>
#include <thread>

#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using namespace std::chrono_literals;
using jobs::Finished;
using jobs::Handlers;
using jobs::JobOutcome;
using jobs::Lane;
using jobs::Recorded;
using jobs::Unrecorded;
using jobs::Worker;
using jobs::WorkerOptions;
using model::JobKind;
using model::UploadState;

/// A gate that blocks jobs until the test opens it.
class Gate {
  public:
    void open() {
        {
            const std::lock_guard lock{mutex_};
            open_ = true;
        }
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

using Run = std::function<JobOutcome(const model::Job&, const StopSignal&)>;

class TestHandler final : public jobs::JobHandler {
  public:
    TestHandler(const JobKind& kind, Lane lane, Run run) : JobHandler(kind, lane), run_(std::move(run)) {}
    JobOutcome run(const model::Job& job, const StopSignal& stop) override { return run_(job, stop); }

  private:
    const Run run_;
};

class WorkerTest : public PipelineTest {
  protected:
    static WorkerOptions options(std::size_t concurrency = 2) {
        WorkerOptions options;
        options.name = "worker-1";
        options.concurrency = {concurrency, concurrency, concurrency};
        options.heartbeat = 1s;
        options.poll = 1ms;
        options.drain = 50ms;
        return options;
    }
    /// Until it is so; the test's own time limit ends a wait for what never comes.
    template <class Condition>
    static void wait_until(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(1ms);
        EXPECT_TRUE(condition());
    }
    JobOutcome finish(const model::Job& job) {
        if (job.kind != JobKind::process) return Finished{};
        model::Publication publication;
        publication.image.key = image_key(job.upload);
        if (auto done = records.publish(job.lease, publication); !done)
            return Unrecorded{"publish", done.error()};
        return Recorded{};
    }
    /// Every kind in one lane.
    static Handlers all(const std::function<JobOutcome(const model::Job&)>& run) {
        Handlers handlers;
        for (const auto& kind : model::kUploadJobKinds)
            add(handlers, kind, Lane::cpu, run);
        return handlers;
    }
    static void add(Handlers& handlers, const JobKind& kind, Lane lane,
                    const std::function<JobOutcome(const model::Job&)>& run) {
        handlers.add(std::make_unique<TestHandler>(
            kind, lane, [run](const model::Job& job, const StopSignal&) { return run(job); }));
    }
    static std::size_t busy(const Worker& worker) { return worker.load(Lane::cpu).busy; }
};

TEST_F(WorkerTest, runs_every_job_once) {
    std::set<UploadId> ids;
    for (int i = 0; i < 20; ++i)
        ids.insert(received().id);
    std::mutex mutex;
    std::multiset<std::int64_t> ran;
    Worker worker{options(), records, all([&](const model::Job& job) -> JobOutcome {
                      {
                          const std::lock_guard lock{mutex};
                          ran.insert(job.lease.job);
                      }
                      return finish(job);
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] {
        const std::lock_guard lock{mutex};
        return ran.size() == 40;  // a verdict and a clean-up for each
    });
    worker.stop();
    loop.join();
    for (const auto job : ran)
        EXPECT_EQ(ran.count(job), 1U);
    for (const auto& id : ids) {
        EXPECT_EQ(state_of(id), UploadState::published);
        EXPECT_TRUE(records.jobs_of(id).empty());
    }
}

TEST_F(WorkerTest, never_runs_more_jobs_at_once_than_its_concurrency) {
    for (int i = 0; i < 10; ++i)
        received();
    Gate gate;
    std::atomic<int> running{0}, most{0}, done{0};
    Worker worker{options(3), records, all([&](const model::Job& job) -> JobOutcome {
                      const int now = ++running;
                      int seen = most;
                      while (seen < now && !most.compare_exchange_weak(seen, now)) {
                      }
                      gate.wait();
                      --running;
                      auto outcome = finish(job);
                      ++done;
                      return outcome;
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return running == 3; });
    EXPECT_EQ(busy(worker), 3U);
    EXPECT_EQ(records.calls("claim"), 1U) << "nothing is claimed that could not begin";
    gate.open();
    wait_until([&] { return done == 20; });
    worker.stop();
    loop.join();
    EXPECT_EQ(most, 3);
}

TEST_F(WorkerTest, gives_back_what_does_not_end_in_time_when_it_stops) {
    const auto id = received().id;
    Gate gate;
    std::atomic<bool> begun{false};
    Worker worker{options(1), records, all([&](const model::Job& job) -> JobOutcome {
                      begun = true;
                      gate.wait();
                      return finish(job);
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return begun.load(); });
    worker.stop();
    loop.join();
    EXPECT_EQ(state_of(id), UploadState::uploaded);
    EXPECT_EQ(records.jobs_of(id).at(0).attempt, 0U) << "as if never claimed";
    gate.open();  // its verdict comes too late and changes nothing
    wait_until([&] { return records.calls("publish") == 1; });
    EXPECT_EQ(state_of(id), UploadState::uploaded);
}

TEST_F(WorkerTest, lets_what_is_under_way_end_when_it_stops) {
    const auto id = received().id;
    Gate gate;
    std::atomic<bool> begun{false};
    auto patient = options(1);
    patient.drain = 20s;
    Worker worker{patient, records, all([&](const model::Job& job) -> JobOutcome {
                      begun = true;
                      gate.wait();
                      return finish(job);
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return begun.load(); });
    worker.stop();
    gate.open();
    loop.join();
    EXPECT_EQ(state_of(id), UploadState::published);
    EXPECT_EQ(records.calls("release"), 0U);
}

TEST_F(WorkerTest, goes_on_after_a_claim_that_failed) {
    const auto id = received().id;
    std::atomic<int> failures{3};
    records.before = [&](std::string_view call) -> std::optional<Error> {
        if (call != "claim" || failures-- <= 0) return std::nullopt;
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    std::atomic<int> done{0};
    Worker worker{options(), records, all([&](const model::Job& job) -> JobOutcome {
                      auto outcome = finish(job);
                      ++done;
                      return outcome;
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return done == 2; });
    worker.stop();
    loop.join();
    EXPECT_EQ(state_of(id), UploadState::published);
}

TEST_F(WorkerTest, keeps_the_lease_of_a_job_that_takes_long) {
    const auto id = received().id;
    Gate gate;
    std::atomic<int> done{0};
    Worker worker{options(1), records, all([&](const model::Job& job) -> JobOutcome {
                      if (done == 0) gate.wait();
                      auto outcome = finish(job);
                      ++done;
                      return outcome;
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return records.calls("extend_leases") > 0; });
    EXPECT_GT(records.jobs_of(id).at(0).lease_until, clock.now());
    gate.open();
    wait_until([&] { return done == 2; });
    worker.stop();
    loop.join();
    EXPECT_EQ(state_of(id), UploadState::published);
}

TEST_F(WorkerTest, stops_without_work) {
    Worker worker{options(), records, all([](const model::Job&) { return Finished{}; }), random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return records.calls("claim") > 0; });
    worker.stop();
    loop.join();
    EXPECT_EQ(busy(worker), 0U);
}

TEST_F(WorkerTest, leaves_kinds_without_a_handler_alone) {
    const auto id = received().id;
    records.add_job(id, {"made_by_a_newer_gateway"});
    Handlers handlers;
    add(handlers, JobKind::process, Lane::cpu, [&](const model::Job& job) { return finish(job); });
    Worker worker{options(), records, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return state_of(id) == UploadState::published; });
    const auto claims = records.calls("claim");
    wait_until([&] { return records.calls("claim") > claims + 3; });
    worker.stop();
    loop.join();
    const auto jobs = records.jobs_of(id);
    ASSERT_EQ(jobs.size(), 2U) << "the foreign one, and the disposal that has no handler here";
    for (const auto& job : jobs) {
        EXPECT_EQ(job.attempt, 0U) << job.kind.word;
        EXPECT_TRUE(job.lease_token.empty()) << job.kind.word;
    }
    EXPECT_EQ(worker.load(Lane::store).limit, 0U);
}

TEST_F(WorkerTest, a_full_lane_does_not_hold_up_another) {
    std::vector<UploadId> ids;
    for (int i = 0; i < 5; ++i)
        ids.push_back(received().id);
    Gate gate;
    std::atomic<int> processing{0}, disposed{0};
    Handlers handlers;
    add(handlers, JobKind::process, Lane::cpu, [&](const model::Job& job) {
        ++processing;
        gate.wait();
        return finish(job);
    });
    add(handlers, JobKind::dispose_original, Lane::store, [&](const model::Job&) {
        ++disposed;
        return Finished{};
    });
    Worker worker{options(1), records, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return processing == 1; });
    for (const auto& id : ids)
        records.add_job(id, JobKind::dispose_original);
    wait_until([&] { return disposed == 5; });
    EXPECT_EQ(processing, 1);
    EXPECT_EQ(worker.load(Lane::cpu).busy, 1U);
    EXPECT_EQ(worker.load(Lane::cpu).limit, 1U);
    gate.open();
    wait_until([&] { return processing == 5; });
    worker.stop();
    loop.join();
}

TEST_F(WorkerTest, claims_again_as_soon_as_a_full_lane_has_room) {
    for (int i = 0; i < 5; ++i)
        received();
    std::atomic<int> done{0};
    Handlers handlers;
    add(handlers, JobKind::process, Lane::cpu, [&](const model::Job& job) {
        auto outcome = finish(job);
        ++done;
        return outcome;
    });
    std::atomic<int> waits{0};
    records.on_wait = [&](std::chrono::milliseconds) {
        if (done < 5) ++waits;
        do
            std::this_thread::sleep_for(1ms);
        while (done < 5);
    };
    Worker worker{options(1), records, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return done == 5; });
    EXPECT_LE(waits, 1) << "nobody waited for a wake-up in between";
    worker.stop();
    loop.join();
}

TEST_F(WorkerTest, a_stop_ends_the_wait_for_a_database_that_is_away) {
    const auto id = received().id;
    std::atomic<Worker*> stopped{nullptr};
    records.before = [&](std::string_view call) -> std::optional<Error> {
        if (call != "postpone") return std::nullopt;
        stopped.load()->stop();
        return Error{ErrorCode::database_unavailable, "", {}, std::nullopt};
    };
    auto patient = options(1);
    patient.drain = 20s;
    Worker worker{patient, records, all([](const model::Job&) {
                      return jobs::Retry{Error{ErrorCode::store_unavailable, "", {}, std::nullopt}};
                  }),
                  random};
    stopped = &worker;
    std::thread{[&] { worker.run(); }}.join();
    EXPECT_EQ(records.calls("postpone"), 1U) << "no pause, and no further try";
    EXPECT_EQ(state_of(id), UploadState::uploaded);
    EXPECT_EQ(records.jobs_of(id).at(0).attempt, 0U) << "given back as if never claimed";
    EXPECT_TRUE(records.jobs_of(id).at(0).lease_token.empty());
}

TEST_F(WorkerTest, tells_a_handler_that_it_stops) {
    received();
    std::atomic<bool> begun{false}, told{false};
    auto patient = options(1);
    patient.drain = 20s;
    Handlers handlers;
    handlers.add(std::make_unique<TestHandler>(JobKind::process, Lane::network,
                                               [&](const model::Job&, const StopSignal& signal) {
                                                   begun = true;
                                                   told = signal.wait_for(20s);
                                                   return jobs::Retry{};
                                               }));
    Worker worker{patient, records, std::move(handlers), random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return begun.load(); });
    worker.stop();
    loop.join();
    EXPECT_TRUE(told);
}

TEST_F(WorkerTest, a_handler_that_throws_costs_its_own_job_an_attempt) {
    const auto bad = received().id, worse = received().id;
    std::vector<UploadId> good;
    for (int i = 0; i < 5; ++i)
        good.push_back(received().id);
    std::atomic<int> done{0};
    Worker worker{options(1), records, all([&](const model::Job& job) -> JobOutcome {
                      if (job.upload.id == bad) throw std::runtime_error{"a fault of this test"};
                      if (job.upload.id == worse) throw 7;
                      auto outcome = finish(job);
                      ++done;
                      return outcome;
                  }),
                  random};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return done == 10; });
    worker.stop();
    loop.join();
    for (const auto& id : good)
        EXPECT_EQ(state_of(id), UploadState::published);
    for (const auto& id : {bad, worse}) {
        EXPECT_EQ(state_of(id), UploadState::uploaded);
        EXPECT_EQ(records.jobs_of(id).at(0).attempt, 1U);
        EXPECT_TRUE(records.jobs_of(id).at(0).lease_token.empty());
    }
}

TEST_F(WorkerTest, an_outcome_that_comes_after_the_lease_changes_nothing) {
    const auto id = received().id;
    run_one();
    const auto job = claim();
    lose_lease();
    const auto handler_of = [](JobOutcome outcome) {
        return all([outcome](const model::Job&) { return outcome; });
    };
    for (const auto& outcome : {JobOutcome{Finished{}}, JobOutcome{jobs::Retry{}}}) {
        const auto handlers = handler_of(outcome);
        EXPECT_EQ((jobs::JobRunner{handlers, records, random, stop}.run(job)),
                  jobs::JobRunner::Ending::recorded)
            << "there is nothing to give back";
    }
    ASSERT_EQ(records.jobs_of(id).size(), 1U);
    EXPECT_FALSE(records.jobs_of(id).at(0).lease_token.empty()) << "the other worker's";
}

TEST_F(WorkerTest, refuses_a_second_handler_of_a_kind) {
    auto handlers = all([](const model::Job&) { return Finished{}; });
    EXPECT_THROW(add(handlers, JobKind::process, Lane::store, [](const model::Job&) { return Finished{}; }),
                 std::logic_error);
}

}  // namespace
}  // namespace photogate::pipeline::test
