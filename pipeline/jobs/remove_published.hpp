// The job `remove_published`: the public image of a deleted upload and its versions are removed. Tried for
// ever.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <functional>

#include "pipeline/jobs/handler.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::pipeline::jobs {

class RemovePublished final : public JobHandler {
  public:
    /// `done` is called after each recorded removal; may be empty.
    RemovePublished(storage::records::VersionStore& versions, const Stores& stores,
                    std::function<void(const UploadId&)> done);

    JobOutcome run(const model::Job& job, const StopSignal& stop) override;
    void finished(const model::Job& job) override;

  private:
    storage::records::VersionStore& versions_;
    const Stores& stores_;
    const std::function<void(const UploadId&)> done_;
};

}  // namespace photogate::pipeline::jobs
