// Events are hints; this is the promise. What a lost event left behind is found by looking at the store.
//
// Four rounds, each bounded. Open minute prefixes are listed (one LIST for each 1,000 objects). An upload
// whose grant ended without an object is looked at by HEAD, once at its end and once more after the grace;
// then it expires. Leases that ran out are taken back, on a thread of their own: no store that hangs may
// delay them.
//
// Any number of gateways may run it: each step is idempotent and guarded in the records, and the rounds at
// the store are taken by turns (storage/records/upkeep.hpp), so that the store is asked once and not once for
// each gateway.
//
// Thread safety: run() on one thread; stop() and counters() from any; the rounds may also be called one by
// one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/arrivals.hpp"
#include "storage/records/job_queue.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::pipeline {

struct ReconcilerOptions {
    std::chrono::milliseconds list_every{120'000};
    std::chrono::milliseconds look_every{30'000};  ///< also the longest that one round of looks takes
    std::chrono::milliseconds reap_every{10'000};
    /// Past a grant's end: a store's clock may differ, and a phone may still be sending.
    std::chrono::seconds grace{900};
    std::function<std::chrono::seconds()> longest_grant = [] {
        return std::chrono::hours{1};
    };                               ///< of all profiles
    std::chrono::seconds lease{15};  ///< after which another gateway may take the round over
    std::uint32_t requests_per_second = 200;
    std::size_t batch = 200;
};

/// All of them outlive the reconciler.
struct ReconcilerDependencies {
    storage::records::Upkeep& upkeep;
    storage::records::JobQueue& jobs;
    storage::records::Arrivals& arrivals;
    const Stores& stores;
    Intake& intake;
    const Clock& clock;
};

class Reconciler {
  public:
    Reconciler(ReconcilerOptions options, ReconcilerDependencies dependencies);

    void run();
    void stop();

    /// How many lost objects were found.
    Result<std::size_t> list_open_minutes(storage::records::MaintenanceStart start);
    /// At the end of a grant: how many lost objects were found.
    Result<std::size_t> look_at_ended();
    /// After the grace: how many uploads expired.
    Result<std::size_t> expire_unused();
    Result<storage::records::Reaped> reap();

    struct Counters {
        std::uint64_t found = 0;     ///< objects whose event was lost
        std::uint64_t expired = 0;   ///< uploads
        std::uint64_t requeued = 0;  ///< leases that ran out, their jobs begun anew
        std::uint64_t spent = 0;     ///< leases that ran out at the last attempt
        std::uint64_t failures = 0;  ///< rounds that could not be finished
    };
    Counters counters() const;

  private:
    struct Walk;
    enum class AtEnd { remember, begin_anew };
    using Judge = std::function<Result<>(const model::Upload&, bool there)>;
    Result<> walk_past_grant(const Walk& walk, const Judge& judge);
    Result<std::size_t> list_prefix(const Store& store, const std::string& prefix,
                                    storage::records::MaintenanceLease& round);
    void attempt(std::string_view round, const std::function<Result<>()>& call);
    void reap_until_stopped();
    void count(std::uint64_t Counters::*counter, std::uint64_t by);

    ReconcilerOptions options_;
    ReconcilerDependencies dependencies_;
    StopSignal stop_;
    Pace pace_;
    mutable std::mutex mutex_;
    Counters counters_;
};

}  // namespace photogate::pipeline
