// Jobs: claimed with a lease, kept, given back, taken back from the dead.
//
// A lease is fenced by its token: a call with a stale one changes nothing and is answered lease_lost.
//
// Errors: lease_lost, and those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"

namespace photogate::storage::records {

struct ClaimRequest {
    std::string worker;  ///< for the timeline
    std::size_t most = 1;
    std::chrono::seconds lease{60};
    /// Jobs of one client token that this worker may hold at once; an app's own uploads are not bounded.
    std::size_t most_of_one_party = 1'000;
    /// What the worker can do. Jobs of other kinds, which newer gateways may have written, are left alone.
    std::vector<model::JobKind> kinds = {model::kUploadJobKinds.begin(), model::kUploadJobKinds.end()};
    /// Regions whose jobs are left alone: their stores are down.
    std::vector<std::string> away = {};
    /// Regions whose jobs are taken as soon as they are due; empty: all. Any other region's are left to other workers
    /// for `far_after`.
    std::vector<std::string> near = {};
    std::chrono::milliseconds far_after{0};
};

/// Jobs that wait for a gate (Postponement::held_by).
struct HeldJobs {
    std::vector<std::string> away;   ///< gates that are left alone: their jobs wait on
    std::vector<std::string> tried;  ///< gates that may be back: one job each finds out
    std::size_t most = 64;           ///< of any other gate, which is back or no longer configured
};

struct Reaped {
    std::size_t requeued = 0;
    std::size_t failed = 0;
};

class JobQueue {
  public:
    virtual ~JobQueue() = default;

    /// A job whose row or upload this program cannot read is logged and put off by an hour; the others of the
    /// claim are not affected.
    virtual Result<std::vector<model::Job>> claim(const ClaimRequest& request) = 0;
    /// Answers the leases that are no longer ours.
    virtual Result<std::vector<model::Lease>> extend_leases(const std::vector<model::Lease>& leases,
                                                            std::chrono::seconds lease) = 0;
    /// At shutdown: as if never claimed.
    virtual Result<> release(const std::vector<model::Lease>& leases) = 0;
    /// Gives a job back, to be tried later. What waits again and again for the same, spending nothing, is told once in
    /// the timeline, and once more when that is over. A process job at its last attempt makes its upload failed; a
    /// clean-up job is tried for ever. Answers the upload's state. Errors: lease_lost.
    virtual Result<model::UploadState> postpone(const model::Lease& lease,
                                                const model::Postponement& why) = 0;
    /// A clean-up job is done. Errors: lease_lost; state_conflict for a process job, which ends by a verdict.
    /// The note is written with it.
    virtual Result<> finish_cleanup(const model::Lease& lease,
                                    const std::optional<model::TimelineNote>& note) = 0;
    Result<> finish_cleanup(const model::Lease& lease) { return finish_cleanup(lease, std::nullopt); }
    /// Leases that ran out: back to uploaded, or failed after the last attempt.
    virtual Result<Reaped> reap() = 0;

    /// Blocks until there may be jobs, or the time is over, or stop_waiting() was called, which ends every
    /// wait for good.
    virtual void wait_for_jobs(std::chrono::milliseconds timeout) = 0;
    virtual void stop_waiting() = 0;

    /// Makes jobs due that were held, spread over a second; answers how many. What is not released is due when its delay
    /// is over.
    virtual Result<std::size_t> release_held(const HeldJobs& held) = 0;
};

}  // namespace photogate::storage::records
