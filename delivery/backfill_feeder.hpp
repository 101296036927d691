// Feeds backfills (storage/variants/variant_backfills.hpp): what their uploads should have is this gateway's configuration.
//
// Every gateway that works feeds every backfill that runs, a step of each in turn; one that another is at is passed over.
//
// Thread safety: run() on one thread; stop() and counts() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "model/policy/profile.hpp"
#include "pipeline/stop_signal.hpp"
#include "storage/variants/variant_backfills.hpp"

namespace photogate::delivery {

class BackfillFeeder {
  public:
    struct Options {
        std::chrono::milliseconds ask_every{1'000};  ///< where none runs
        std::chrono::milliseconds go_on{250};        ///< where one runs and has enough waiting
        std::size_t most = 64;                       ///< backfills in one round
    };
    /// All of them outlive this.
    struct Dependencies {
        storage::variants::VariantBackfills& backfills;
        const model::LiveApps& apps;
    };
    struct Counts {
        std::uint64_t looked_at = 0;  ///< uploads
        std::uint64_t queued = 0;     ///< uploads
        std::uint64_t failures = 0;   ///< rounds that could not be finished
    };

    BackfillFeeder(Options options, Dependencies dependencies)
        : options_(options), dependencies_(dependencies) {}

    void run();
    void stop() { stop_.stop(); }
    /// A step of each backfill that runs. Answers how long to wait until the next round.
    Result<std::chrono::milliseconds> feed();
    Counts counts() const { return {looked_at_, queued_, failures_}; }

  private:
    storage::variants::VariantBackfills::Feeding feeding(const storage::variants::BackfillOrder& order) const;

    const Options options_;
    const Dependencies dependencies_;
    pipeline::StopSignal stop_;
    std::atomic<std::uint64_t> looked_at_{0}, queued_{0}, failures_{0};
};

}  // namespace photogate::delivery
