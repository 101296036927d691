// The worker loop: claims jobs as long as hands are free, keeps their leases alive, and gives them back at
// the end.
//
// Thread safety: run() on one thread; stop() from any.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "model/job.hpp"
#include "storage/records/job_queue.hpp"

namespace photogate::pipeline {

struct WorkerOptions {
    std::string name;
    std::size_t hands = 4;  ///< jobs at once
    std::chrono::seconds lease{60};
    std::chrono::seconds heartbeat{15};
    std::chrono::milliseconds poll{1'000};
    std::chrono::milliseconds drain{
        5'000};  ///< how long stop() lets jobs finish before their leases are given back
};

class Worker {
  public:
    /// `run_job` is called from as many threads as jobs may run at once. It must not throw.
    Worker(WorkerOptions options, storage::records::JobQueue& jobs,
           std::function<void(const model::Job&)> run_job);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Until stop(). On return every job is finished or its lease released.
    void run();
    void stop();
    std::size_t busy() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::pipeline
