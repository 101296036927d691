// One job, from claimed to recorded: calls its handler and writes down how it ended.
//
// Thread safety: run() from any number of threads, one job each.
#pragma once

#include "base/random.hpp"
#include "pipeline/jobs/handlers.hpp"
#include "storage/records/job_queue.hpp"

namespace photogate::pipeline::jobs {

class JobRunner {
  public:
    /// All outlive the runner.
    JobRunner(const Handlers& handlers, storage::records::JobQueue& queue, Random& random,
              const StopSignal& stop)
        : handlers_(handlers), queue_(queue), random_(random), stop_(stop) {}

    enum class Ending {
        recorded,    ///< in the records, or the lease is another's
        unrecorded,  ///< the lease may still be ours
    };
    /// Throws nothing, whatever the handler does.
    Ending run(const model::Job& job) noexcept;

  private:
    JobOutcome outcome_of(JobHandler& handler, const model::Job& job) const;
    Ending record(JobHandler& handler, const model::Job& job, const JobOutcome& outcome);
    Ending finish(JobHandler& handler, const model::Job& job, const Finished& finished);
    Ending postpone(JobHandler& handler, const model::Job& job, const Retry& retry);

    const Handlers& handlers_;
    storage::records::JobQueue& queue_;
    Random& random_;
    const StopSignal& stop_;
};

}  // namespace photogate::pipeline::jobs
