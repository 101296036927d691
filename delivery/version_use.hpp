// Which versions were asked for, gathered in memory and told to the records every so often: never a write per request.
//
// Bounded: what does not fit is not counted, and then looks less used than it is until it is asked for again. What is
// lost with the process is no harm.
//
// Thread safety: run() on one thread; everything else from any.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <set>

#include "pipeline/stop_signal.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::delivery {

class VersionUse {
  public:
    struct Options {
        std::size_t most = 50'000;  ///< different versions between two tellings
        std::chrono::milliseconds every{std::chrono::minutes{1}};
    };
    struct Counts {
        std::size_t gathered = 0;
        std::uint64_t dropped = 0;  ///< uses that did not fit, or could not be told
    };

    /// `versions` outlives this.
    VersionUse(storage::records::VersionStore& versions, Options options)
        : versions_(versions), options_(options) {}

    void note(const storage::records::VersionName& name);
    /// In batches. Answers how many were told.
    std::size_t tell();
    /// Tells every so often until stop(), and once more then.
    void run();
    void stop() { stop_.stop(); }
    Counts counts() const;

  private:
    storage::records::VersionStore& versions_;
    const Options options_;
    pipeline::StopSignal stop_;
    mutable std::mutex mutex_;
    std::set<storage::records::VersionName> names_;
    std::uint64_t dropped_ = 0;
};

}  // namespace photogate::delivery
