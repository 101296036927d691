#include "pipeline/jobs/remove_published.hpp"

#include <utility>

#include "base/failpoint.hpp"

namespace photogate::pipeline::jobs {

RemovePublished::RemovePublished(storage::records::VersionStore& versions, const Stores& stores,
                                 std::function<void(const UploadId&)> done)
    : JobHandler(model::JobKind::remove_published, Lane::store),
      versions_(versions),
      stores_(stores),
      done_(std::move(done)) {}

JobOutcome RemovePublished::run(const model::Job& job, const StopSignal&) {
    const Store* store = stores_.of(job.upload.region);
    if (!store) {
        return Retry{Error{
            ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt}};
    }
    auto keys = versions_.being_removed(job.upload.id);
    if (!keys) return Retry{keys.error()};
    if (job.upload.image) keys->push_back(job.upload.image->key);
    for (const auto& key : *keys) {
        const auto removed = store->objects->remove(store->region.published, key, std::nullopt);
        if (!removed) return Retry{removed.error()};
    }
    failpoint::pass(failpoint::Point::after_original_removed);
    return Finished{};
}

void RemovePublished::finished(const model::Job& job) {
    if (done_) done_(job.upload.id);
}

}  // namespace photogate::pipeline::jobs
