// The job `settle_original`: after the final state the original is removed, or moved to the originals bucket
// where `job.detail` says so. It is retried for ever: an original must not stay where its client can replace it.
//
// An object that came after its upload had ended is an original too, with its position: it is removed at once, and
// the upload's timeline says so. That waits until the upload's other jobs are done, so that no original is removed
// which is being moved.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <functional>

#include "pipeline/jobs/handler.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::jobs {

class DisposeOriginal final : public JobHandler {
  public:
    using AbortParts = std::function<Result<>(const model::Upload&)>;
    /// `done` is called after each recorded removal or move; may be empty. `abort_parts` removes what the store has of
    /// an upload that was sent in parts; empty where there are none. `uploads` and `stores` outlive this.
    DisposeOriginal(storage::records::UploadStore& uploads, const Stores& stores,
                    std::function<void(const UploadId&)> done, AbortParts abort_parts = {});

    JobOutcome run(const model::Job& job, const StopSignal& stop) override;
    void finished(const model::Job& job) override;

  private:
    JobOutcome remove_late(const Store& store, const model::Job& job) const;

    storage::records::UploadStore& uploads_;
    const Stores& stores_;
    const std::function<void(const UploadId&)> done_;
    const AbortParts abort_parts_;
};

}  // namespace photogate::pipeline::jobs
