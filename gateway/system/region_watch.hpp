// Which of several regions answer: each is asked again and again, on a thread of its own, so that one that hangs does not
// keep the others from being looked at.
//
// A region that was away when photogate started is not up before its credentials and buckets are proved safe.
//
// What it finds is in each store's health (storage/objects/store_health.hpp), and in photogate_region_up. A single region
// is not asked: nothing could stand in for it.
//
// Thread safety: start() and stop() on one thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/telemetry/metrics.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::gateway::system {

struct RegionWatchOptions {
    std::chrono::milliseconds probe_every{2'000};
    /// How long a probe may take to connect, and then to be answered.
    std::chrono::milliseconds patience{3'000};
    /// After a proof that failed.
    std::chrono::milliseconds prove_again{60'000};
    /// Whether the credentials and buckets are safe. Errors: unsafe_configuration; those of a store that does not
    /// answer after all.
    std::function<Result<>(const pipeline::Store&)> prove;
    std::string unwatched;  ///< a region that is not asked; empty: none
};

class RegionWatch {
  public:
    /// All of it outlives this.
    RegionWatch(RegionWatchOptions options, const pipeline::Stores& stores,
                storage::objects::S3Dependencies dependencies, telemetry::Metrics& metrics);
    ~RegionWatch() { stop(); }
    RegionWatch(const RegionWatch&) = delete;
    RegionWatch& operator=(const RegionWatch&) = delete;

    void start();
    void stop();

  private:
    void watch(const pipeline::Store& store);
    Result<> ask(const pipeline::Store& store) const;
    void prove(const pipeline::Store& store, std::chrono::steady_clock::time_point& not_before) const;

    const RegionWatchOptions options_;
    const pipeline::Stores& stores_;
    const storage::objects::S3Dependencies dependencies_;
    pipeline::StopSignal stop_;
    std::vector<std::thread> threads_;  ///< last: joined before the rest goes
};

}  // namespace photogate::gateway::system
