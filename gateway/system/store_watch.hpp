// What may change under a gateway that runs for months: the store's policies and the clocks. The proof of the
// start is made again every hour, and the clocks are read every minute: ours is the database's, and grants
// are signed by the store's.
//
// It finds and counts; it stops nothing. Alerts A2, A3 and A12 (etc/prometheus) stand on it.
//
// Thread safety: run() on one thread; stop() from any; what it found is read through the metrics.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/telemetry/metrics.hpp"
#include "gateway/system/stores.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::gateway::system {

struct StoreWatchOptions {
    std::chrono::milliseconds prove_every{std::chrono::hours{1}};
    std::chrono::milliseconds read_clock_every{std::chrono::minutes{1}};
    /// Tries every attack on every region: probe_stores().
    std::function<Result<std::vector<RegionReport>>()> prove;
    /// Sets our own clock right; before the stores' are read.
    std::function<void()> agree_on_time = [] {};
};

class StoreWatch {
  public:
    StoreWatch(StoreWatchOptions options, const pipeline::Stores& stores,
               storage::objects::S3Dependencies dependencies, telemetry::Metrics& metrics);

    /// What the proof of the start found.
    void found(const std::vector<RegionReport>& reports);

    /// What the stores' clocks say now: told, and what grants are signed by.
    void read_clocks();

    void run();
    void stop() { stop_.stop(); }

  private:
    void prove();

    StoreWatchOptions options_;
    const pipeline::Stores& stores_;
    storage::objects::S3Dependencies dependencies_;
    telemetry::Metrics& metrics_;
    telemetry::Gauge proved_at_;
    telemetry::Counter unproved_;
    pipeline::StopSignal stop_;
};

}  // namespace photogate::gateway::system
