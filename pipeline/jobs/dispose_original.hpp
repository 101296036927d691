// The job `settle_original`: after the final state the original is removed, or moved to the originals bucket
// where `job.detail` says so. Tried for ever: an original must not stay where its client can replace it.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <functional>

#include "pipeline/jobs/handler.hpp"
#include "pipeline/stores.hpp"

namespace photogate::pipeline::jobs {

class DisposeOriginal final : public JobHandler {
  public:
    /// `done` is called after each recorded removal or move; may be empty.
    DisposeOriginal(const Stores& stores, std::function<void(const UploadId&)> done);

    JobOutcome run(const model::Job& job, const StopSignal& stop) override;
    void finished(const model::Job& job) override;

  private:
    const Stores& stores_;
    const std::function<void(const UploadId&)> done_;
};

}  // namespace photogate::pipeline::jobs
