// The worker loop: claims jobs as long as their lane has room, keeps their leases alive, and gives them back
// at the end.
//
// It claims only kinds that have a handler, and for each lane no more than can begin at once, so a lane that
// is full leaves its jobs to other workers and does not hold up another lane.
//
// Thread safety: run() on one thread; the rest from any.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "pipeline/jobs/handlers.hpp"
#include "storage/records/job_queue.hpp"

namespace photogate::pipeline::jobs {

struct WorkerOptions {
    std::string name;
    /// Jobs at once, by lane. A lane without handlers has no threads.
    struct Concurrency {
        std::size_t cpu = 4;
        std::size_t store = 4;
        std::size_t network = 4;
        std::size_t of(Lane lane) const;
    } concurrency;
    std::chrono::seconds lease{60};
    std::chrono::seconds heartbeat{15};
    std::chrono::milliseconds poll{1'000};
    /// Regions whose jobs are taken before those of others; empty: all.
    std::vector<std::string> near = {};
    std::chrono::milliseconds far_after{10'000};
    /// Regions that are down: their jobs wait. Asked before each claim.
    std::function<std::vector<std::string>()> away = {};
    /// How long stop() lets jobs finish before their leases are given back.
    std::chrono::milliseconds drain{5'000};
};

class Worker {
  public:
    /// `queue` and `random` outlive the worker.
    Worker(WorkerOptions options, storage::records::JobQueue& queue, Handlers handlers, Random& random);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Until stop(). On return every job is finished or its lease released.
    void run();
    void stop();

    /// Jobs that the lane holds, and how many it may hold: 0 without handlers.
    struct Load {
        std::size_t busy = 0;
        std::size_t limit = 0;
    };
    Load load(Lane lane) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::pipeline::jobs
