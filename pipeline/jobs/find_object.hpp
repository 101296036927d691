// The job `find_object`: an event told of an upload's object, and the store could not be asked, or refused to tell. It is
// looked at again, ever less often and not for ever: the reconciler goes on listing, and looks once more when the grant
// ends.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <functional>

#include "pipeline/jobs/handler.hpp"

namespace photogate::pipeline::jobs {

class FindObject final : public JobHandler {
  public:
    /// Whether the store has the object, which is taken in then. Intake::look(), or a test's.
    using Look = std::function<Result<bool>(const model::Upload&)>;
    /// Some ten minutes.
    static constexpr std::uint32_t kMostLooks = 14;

    explicit FindObject(Look look);

    JobOutcome run(const model::Job& job, const StopSignal& stop) override;

  private:
    const Look look_;
};

}  // namespace photogate::pipeline::jobs
