// What does the jobs of one kind.
//
// A handler gets a claimed job and answers how it ended, as a value; the worker claims, keeps the lease,
// records the outcome and tries again. So a handler holds no lock, no lease and no transaction while it works,
// and everything that it does may be killed and done again.
//
// Errors: in the outcome. An exception costs this job an attempt and affects no other.
// Thread safety: run() is called from as many threads as the lane's concurrency, one job each.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "model/job.hpp"
#include "pipeline/stop_signal.hpp"

namespace photogate::pipeline::jobs {

/// What a job spends its time on. Each lane has a concurrency of its own, so that jobs that wait for the
/// network do not keep the processors idle, and a long queue of one lane does not delay another.
enum class Lane {
    cpu,      ///< decodes or encodes pictures
    store,    ///< moves and removes objects
    network,  ///< talks to others than the store
};
inline constexpr std::array kLanes = {Lane::cpu, Lane::store, Lane::network};
std::string_view to_string(Lane lane);

/// The work is done; the worker removes the job, and writes the note where there is one.
struct Finished {
    std::optional<model::TimelineNote> note;
};

/// The handler has committed the job's end itself, in the transaction that holds the verdict.
struct Recorded {};

/// Not now. The worker gives the job back.
struct Retry {
    Error why;
    model::Postponement::Cost cost = model::Postponement::Cost::free;
    /// At least; the worker adds a random delay that grows with the attempts, and waits as long as
    /// `why.retry_after` says, up to a minute.
    std::chrono::milliseconds after{0};
    /// Postponement::held_by
    std::string held_by = {};
};

/// The handler's own transaction failed, for good or because the worker stops. The worker writes nothing: the
/// lease is over, runs out, or is given back when the worker stops.
struct Unrecorded {
    std::string step;
    Error why;
};

using JobOutcome = std::variant<Finished, Recorded, Retry, Unrecorded>;

class JobHandler {
  public:
    JobHandler(model::JobKind kind, Lane lane) : kind_(std::move(kind)), lane_(lane) {}
    virtual ~JobHandler() = default;
    JobHandler(const JobHandler&) = delete;
    JobHandler& operator=(const JobHandler&) = delete;

    const model::JobKind& kind() const { return kind_; }
    Lane lane() const { return lane_; }

    /// `stop` is set when the worker stops. Work that is under way may end within the worker's drain time; a
    /// wait should end at once.
    virtual JobOutcome run(const model::Job& job, const StopSignal& stop) = 0;
    /// After Finished was recorded.
    virtual void finished(const model::Job& /*job*/) {}
    /// After a Retry was recorded that was the last: the upload is `failed` now.
    virtual void failed(const model::Job& /*job*/) {}

  private:
    const model::JobKind kind_;
    const Lane lane_;
};

}  // namespace photogate::pipeline::jobs
