// The job `make_variants`, lane `cpu`: the variants of a published image that lack, made and announced.
//
// Each is made as a version that somebody asks for is: under its claim, so that no two gateways make one. What can't be
// made after some attempts is left out; the callback `variant.ready` tells which there are.
// A job of a backfill has its slot, and as its payload the recipe of what it is to make and, where that is one variant alone,
// a name. A gateway whose profile has another recipe leaves it to others.
//
// Thread safety: as handler.hpp says.
#pragma once

#include <functional>

#include "delivery/variants.hpp"
#include "delivery/version_renderer.hpp"
#include "pipeline/jobs/handler.hpp"
#include "storage/records/variant_store.hpp"

namespace photogate::delivery {

class MakeVariants final : public pipeline::jobs::JobHandler {
  public:
    /// All of them outlive this.
    struct Dependencies {
        storage::records::VariantStore& variants;
        const PublishedImages& images;
        const model::LiveApps& apps;
        /// VersionRenderer::attempt(), or a test's.
        std::function<VersionRenderer::Attempt(const VersionOrder&, VersionRenderer::Deadline)> attempt;
    };
    explicit MakeVariants(Dependencies dependencies);

    pipeline::jobs::JobOutcome run(const model::Job& job, const pipeline::StopSignal& stop) override;

  private:
    struct Made;
    /// Those that the job is not about, as far as they are there.
    Result<> add_others(const model::Job& job, const std::vector<ChosenVariant>& others,
                        std::vector<model::Variant>& into) const;
    Made make(const model::Job& job, const model::Profile& profile, const LocatedImage& located,
              const pipeline::StopSignal& stop) const;

    const Dependencies dependencies_;
};

}  // namespace photogate::delivery
