// The job `build_package`, lane `store`: the archive of a stored package as an object, for as long as the package lasts.
//
// It makes the store agree with the row. A package that is wanted is built as a multipart upload, several parts at
// once; each part is read out of the archive where it is sent, so memory is the readers', whatever the part's size. A
// worker that takes the work over goes on with the parts that the store has: the archive is the same, byte for byte,
// wherever it is built. Of a package that is over, the object and the unfinished upload are removed.
//
// The object is in the region's originals bucket, which nobody but the worker can read.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "pipeline/jobs/handler.hpp"
#include "pipeline/packages/package_parts.hpp"
#include "pipeline/stores.hpp"
#include "storage/objects/object_store.hpp"
#include "storage/packages/package_builds.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

class BuildPackage final : public jobs::JobHandler {
  public:
    /// All of them outlive this.
    struct Dependencies {
        storage::packages::PackageBuilds& builds;
        storage::packages::PackageStore& packages;
        const Stores& stores;
        /// Told of each package that became ready or failed here.
        std::function<void(const PackageId&)> ended = {};
        BuildOptions options = {};
    };
    explicit BuildPackage(Dependencies dependencies);

    jobs::JobOutcome run(const model::Job& job, const StopSignal& stop) override;

  private:
    jobs::JobOutcome build(const model::Job& job, const storage::packages::PackageBuild& build,
                           const StopSignal& stop) const;
    jobs::JobOutcome finish(const model::Job& job, const PackageId& id, const StopSignal& stop) const;
    jobs::JobOutcome remove(const model::Job& job, const storage::packages::PackageBuild& build,
                            const StopSignal& stop) const;
    /// A build that can't succeed: recorded as failed, with the entries that can't be read.
    jobs::JobOutcome give_up(const model::Job& job, const model::Package& package,
                             std::vector<model::FailedItem> known, const Error& why,
                             const StopSignal& stop) const;
    void find_unreadable(const model::Package& package, std::vector<model::FailedItem>& items,
                         const StopSignal& stop) const;
    std::optional<ErrorCode> problem_of(const model::PackageItem& item) const;
    Result<> tell_end(const model::Job& job, const model::Package& package, const StopSignal& stop) const;

    const Dependencies dependencies_;
};

}  // namespace photogate::pipeline::packages
