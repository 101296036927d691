// The worker loop: claims jobs as long as hands are free, keeps their leases alive, and gives them back at
// the end.
//
// Thread safety: run() on one thread; stop() from any.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "pipeline/processor.hpp"
#include "storage/records/records.hpp"

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
    Worker(WorkerOptions options, storage::records::Records& records, Processor& processor);
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
