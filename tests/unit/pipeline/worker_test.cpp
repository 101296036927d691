#include "pipeline/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <set>
#include <thread>

#include "fixture.hpp"

namespace photogate::pipeline::test {
namespace {

using namespace std::chrono_literals;
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

class WorkerTest : public PipelineTest {
  protected:
    static WorkerOptions options(std::size_t concurrency = 2) {
        WorkerOptions options;
        options.name = "worker-1";
        options.hands = concurrency;
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
    void finish(const model::Job& job) {
        if (job.kind == model::JobKind::process) {
            model::Publication publication;
            publication.image.key = image_key(job.upload);
            (void)records.publish(job.lease, publication);
        } else {
            (void)records.finish_cleanup(job.lease);
        }
    }
};

TEST_F(WorkerTest, runs_every_job_once) {
    std::set<UploadId> ids;
    for (int i = 0; i < 20; ++i)
        ids.insert(received().id);
    std::mutex mutex;
    std::multiset<std::int64_t> ran;
    Worker worker{options(), records, [&](const model::Job& job) {
                      {
                          const std::lock_guard lock{mutex};
                          ran.insert(job.lease.job);
                      }
                      finish(job);
                  }};
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
    Worker worker{options(3), records, [&](const model::Job& job) {
                      const int now = ++running;
                      int seen = most;
                      while (seen < now && !most.compare_exchange_weak(seen, now)) {
                      }
                      gate.wait();
                      --running;
                      finish(job);
                      ++done;
                  }};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return running == 3; });
    EXPECT_EQ(worker.busy(), 3U);
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
    Worker worker{options(1), records, [&](const model::Job& job) {
                      begun = true;
                      gate.wait();
                      finish(job);
                  }};
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
    std::atomic<bool> begun{false};
    auto patient = options(1);
    patient.drain = 20s;
    Worker worker{patient, records, [&](const model::Job& job) {
                      begun = true;
                      std::this_thread::sleep_for(20ms);
                      finish(job);
                  }};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return begun.load(); });
    worker.stop();
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
    Worker worker{options(), records, [&](const model::Job& job) {
                      finish(job);
                      ++done;
                  }};
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
    Worker worker{options(1), records, [&](const model::Job& job) {
                      if (done == 0) gate.wait();
                      finish(job);
                      ++done;
                  }};
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
    Worker worker{options(), records, [](const model::Job&) {}};
    std::thread loop{[&] { worker.run(); }};
    wait_until([&] { return records.calls("claim") > 0; });
    worker.stop();
    loop.join();
    EXPECT_EQ(worker.busy(), 0U);
}

}  // namespace
}  // namespace photogate::pipeline::test
