// Events are hints; this is the promise. What a lost event left behind is found by looking at the store.
//
// Three rounds, each bounded: open minute prefixes are listed (one LIST for each 1,000 objects), grants that
// ran out are looked at once by HEAD before they expire, and leases that ran out are taken back. Safe to run
// in any number of gateways at once: each step is idempotent and guarded in the records.
//
// Thread safety: run() on one thread; stop() from any; the rounds may also be called one by one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "base/time.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/records.hpp"

namespace photogate::pipeline {

struct ReconcilerOptions {
    std::chrono::milliseconds list_every{120'000};
    std::chrono::milliseconds expire_every{30'000};
    std::chrono::milliseconds reap_every{10'000};
    /// Past a grant's end: a store's clock may differ, and a phone may still be sending.
    std::chrono::seconds grace{900};
    std::size_t expire_batch = 200;
};

class Reconciler {
  public:
    Reconciler(ReconcilerOptions options, storage::records::Records& records, const Stores& stores,
               Intake& intake, const Clock& clock);

    void run();
    void stop();

    /// How many lost objects were found.
    Result<std::size_t> list_open_minutes();
    /// How many uploads expired.
    Result<std::size_t> expire_unused();
    Result<storage::records::Reaped> reap();

    struct Counters {
        std::uint64_t found = 0;
        std::uint64_t expired = 0;
        std::uint64_t reaped = 0;
    };
    Counters counters() const;

  private:
    Result<std::size_t> take_in_listed(const Store& store, const storage::objects::ListPage& page);

    ReconcilerOptions options_;
    storage::records::Records& records_;
    const Stores& stores_;
    Intake& intake_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable stop_signal_;
    bool stopping_ = false;
    Counters counters_;
};

}  // namespace photogate::pipeline
