#include "pipeline/jobs/remove_published.hpp"

#include <utility>

#include "base/failpoint.hpp"

namespace photogate::pipeline::jobs {

RemovePublished::RemovePublished(const Stores& stores, std::function<void(const UploadId&)> done)
    : JobHandler(model::JobKind::remove_published, Lane::store), stores_(stores), done_(std::move(done)) {}

JobOutcome RemovePublished::run(const model::Job& job, const StopSignal&) {
    const Store* store = stores_.of(job.upload.region);
    if (!store) {
        return Retry{Error{
            ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt}};
    }
    if (job.upload.image) {
        const auto removed =
            store->objects->remove(store->region.published, job.upload.image->key, std::nullopt);
        if (!removed) return Retry{removed.error()};
    }
    failpoint::pass(failpoint::Point::after_original_removed);
    return Finished{};
}

void RemovePublished::finished(const model::Job& job) {
    if (done_) done_(job.upload.id);
}

}  // namespace photogate::pipeline::jobs
