// Removes versions that nobody has asked for in a long time: rows first, then objects, in bounded batches.
//
// A variant that the profile names now is kept; one of an older recipe is a version like any other. One gateway at a
// time is at it (storage::records::Upkeep); killed anywhere, another goes on. A version that is asked for at the same
// instant is kept, or made anew.
//
// Thread safety: run() on one thread; stop() and counts() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "model/policy/profile.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/upkeep.hpp"
#include "storage/variants/version_eviction.hpp"

namespace photogate::delivery {

class VersionEvictor {
  public:
    struct Options {
        std::chrono::seconds unused_for{};  ///< 0: nothing is ever removed
        std::chrono::milliseconds every{std::chrono::hours{1}};
        std::chrono::milliseconds ask_every{std::chrono::minutes{1}};
        std::chrono::seconds lease{300};  ///< longer than a batch takes
        std::size_t batch = 100;
        std::uint32_t requests_per_second = 50;
    };
    /// All of them outlive this.
    struct Dependencies {
        storage::records::Upkeep& upkeep;
        storage::variants::VersionEviction& versions;
        const pipeline::Stores& stores;
        const model::LiveApps& apps;
    };
    struct Counts {
        std::uint64_t removed = 0;   ///< versions
        std::uint64_t failures = 0;  ///< rounds that could not be finished
    };

    VersionEvictor(Options options, Dependencies dependencies);

    void run();
    void stop();
    /// One round, if it is due (or at once) and no other gateway is at it. Answers how many were removed.
    Result<std::uint64_t> evict(storage::records::MaintenanceStart start);
    Counts counts() const { return {removed_, failures_}; }

  private:
    using Batch = std::vector<storage::variants::UnusedVersion>;
    Result<std::uint64_t> remove(const Batch& batch);
    bool is_named(const storage::variants::UnusedVersion& version) const;

    const Options options_;
    const Dependencies dependencies_;
    pipeline::StopSignal stop_;
    pipeline::Pace pace_;
    std::atomic<std::uint64_t> removed_{0}, failures_{0};
};

}  // namespace photogate::delivery
