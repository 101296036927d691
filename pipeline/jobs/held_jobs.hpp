// Lets jobs go on that wait for a gate, once it is back.
//
// A job that meets a gate that is known to be away is not claimed again before: ten thousand of them cost nothing but their
// rows. Each second this asks which gates are still away. Of one that may be back one job is released, which finds out; of
// one that is back, a bounded number a second, so that neither the gate nor the store meets all at once.
//
// Thread safety: run() on one thread; stop() and released() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "pipeline/stop_signal.hpp"
#include "storage/records/job_queue.hpp"

namespace photogate::pipeline::jobs {

class HeldJobs {
  public:
    struct Options {
        std::chrono::milliseconds every{1'000};
        std::size_t most = 64;  ///< of one gate, each time
    };
    /// `states` says which gates are away and which are to be tried. All outlive this.
    HeldJobs(Options options, storage::records::JobQueue& queue,
             std::function<storage::records::HeldJobs()> states);

    /// Until stop().
    void run();
    void stop() { stop_.stop(); }
    /// One look; for tests.
    void look();

    std::uint64_t released() const { return released_.load(); }

  private:
    const Options options_;
    storage::records::JobQueue& queue_;
    const std::function<storage::records::HeldJobs()> states_;
    StopSignal stop_;
    std::atomic<std::uint64_t> released_{0};
};

}  // namespace photogate::pipeline::jobs
