// How much there is to do, and how long it has waited.
//
// Errors: those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/result.hpp"
#include "storage/records/database.hpp"
#include "storage/records/outbox.hpp"

namespace photogate::storage::records {

/// For /readyz and /metrics; cheap.
struct Backlog {
    std::size_t jobs_ready = 0;
    std::size_t jobs_leased = 0;
    std::chrono::milliseconds oldest_ready{};
    std::size_t held_by_scanner = 0;  ///< jobs that are not claimed before it is back
    std::size_t held_by_hooks = 0;
    std::size_t callbacks_waiting = 0;
    std::size_t callbacks_dead = 0;
    EndpointCounts endpoints;
    std::chrono::milliseconds oldest_callback{};
};

/// Queue sizes and ages for metrics; one query with a bounded cost. Counts end at 100,000.
struct PipelineState {
    std::size_t awaited = 0;                        ///< uploads without an object yet
    std::chrono::milliseconds oldest_past_grant{};  ///< of these, the one whose grant ended first; 0: none
    std::size_t leases_over = 0;                    ///< that no reaper has taken back yet
    std::size_t unknown_incoming = 0;               ///< objects, as the last sweeps found them
    std::size_t unknown_public = 0;
    std::chrono::milliseconds oldest_sweep{};    ///< since the bucket swept longest ago was
    std::chrono::milliseconds oldest_listing{};  ///< since the open minutes were listed
    std::size_t dead_jobs = 0;                   ///< row versions that wait for vacuum
    std::size_t dead_callbacks = 0;
    std::chrono::milliseconds oldest_snapshot{};  ///< which keeps vacuum from its work
    std::chrono::microseconds database_ahead{};   ///< of this machine's clock; negative: behind
};

class Gauges {
  public:
    explicit Gauges(Database& database);

    Result<Backlog> backlog();
    Result<PipelineState> pipeline_state();
    /// A trivial round trip, for /readyz.
    Result<> ping();

  private:
    DatabaseState& state_;
};

}  // namespace photogate::storage::records
