// The job `prepare_package`, lane `store`: the versions that a package lacks are made, and its archive is laid out.
//
// It waits for worker processes rather than using the processor itself, so it has no place in the lane of those who do. How many
// versions are made at once is the imager pool's to decide: they come after uploads and after what somebody waits for.
// Each version is recorded as any other, so a worker that takes the work over, and the next package of the same images, find it
// made. A package is worked at for a while at a stretch; then it is another's turn.
//
// An item whose version can't be made is given up: the package fails with it, or goes on without it, as its `on_missing` says.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "base/time.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/jobs/handler.hpp"
#include "pipeline/packages/package_request.hpp"
#include "pipeline/packages/version_maker.hpp"
#include "storage/packages/package_preparations.hpp"

namespace photogate::pipeline::packages {

struct PrepareOptions {
    std::size_t items_at_once = 4;
    std::chrono::seconds turn{15};
    std::chrono::hours longest{24};   ///< since the package was made; then it fails
    std::uint32_t most_attempts = 5;  ///< at an item that may itself be at fault
};

/// What came of it, for whoever counts.
enum class Preparing { item_there, item_given_up, package_planned, package_failed };

class PreparePackage final : public jobs::JobHandler {
  public:
    /// All of them outlive this.
    struct Dependencies {
        storage::packages::PackagePreparations& preparations;
        const Catalog& catalog;
        VersionChooser choose_version;
        VersionMaker make_version;
        PackageLimits limits;
        const Clock& clock;
        std::function<void(Preparing, std::size_t)> told = {};  ///< may be empty
        PrepareOptions options = {};
    };
    explicit PreparePackage(Dependencies dependencies);

    jobs::JobOutcome run(const model::Job& job, const StopSignal& stop) override;

  private:
    class Walk;

    jobs::JobOutcome prepare(const model::Job& job, const storage::packages::Preparation& preparation,
                             const model::App& app, const StopSignal& stop) const;
    jobs::JobOutcome plan(const model::Job& job, const storage::packages::Preparation& preparation,
                          const model::App& app, const StopSignal& stop) const;
    jobs::JobOutcome end(const model::Job& job, const PackageId& id, const StopSignal& stop) const;
    jobs::JobOutcome give_up(const model::Job& job, const PackageId& id, std::string_view why,
                             const StopSignal& stop) const;
    void tell(Preparing what, std::size_t times) const;

    const Dependencies dependencies_;
};

}  // namespace photogate::pipeline::packages
