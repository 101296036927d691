#include "pipeline/jobs/dispose_original.hpp"

#include <utility>

#include "base/failpoint.hpp"
#include "model/object_layout.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::pipeline::jobs {
namespace {

using storage::objects::ObjectStore;

/// A move inside the private buckets. Done again after a crash it finds the source gone, and that is success.
Result<> move(ObjectStore& objects, const model::Upload& upload, const Bucket& to, const ObjectKey& to_key) {
    storage::objects::CopyOptions options;
    if (upload.pinned) options.if_source_matches = upload.pinned->etag;
    const auto copied = objects.copy(upload.bucket, upload.key, to, to_key, options);
    if (!copied && copied.error().code == ErrorCode::store_no_such_key) return {};
    // Another object than the one that was judged (a form can be sent twice): nobody asked to keep that one.
    if (!copied && copied.error().code != ErrorCode::store_precondition_failed) return fail(copied.error());
    if (auto reached = failpoint::reach(failpoint::Point::after_original_copy); !reached) return reached;
    return objects.remove(upload.bucket, upload.key, std::nullopt);
}

Result<> remove_everywhere(const Store& store, const model::Upload& upload) {
    if (auto removed = store.objects->remove(upload.bucket, upload.key, std::nullopt); !removed)
        return removed;
    const bool erased =
        upload.state == model::UploadState::deleted || upload.state == model::UploadState::cancelled;
    if (!erased) return {};
    for (const auto& key : {model::original_key(upload.id), model::quarantine_key(upload.id)}) {
        if (auto removed = store.objects->remove(store.region.originals, key, std::nullopt); !removed)
            return removed;
    }
    return {};
}

}  // namespace

DisposeOriginal::DisposeOriginal(const Stores& stores, std::function<void(const UploadId&)> done)
    : JobHandler(model::JobKind::settle_original, Lane::store), stores_(stores), done_(std::move(done)) {}

JobOutcome DisposeOriginal::run(const model::Job& job, const StopSignal&) {
    const auto& upload = job.upload;
    const Store* store = stores_.of(upload.region);
    if (!store) {
        return Retry{Error{
            ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt}};
    }
    const auto& originals = store->region.originals;
    Result<> disposed;
    if (job.detail == model::to_string(model::OriginalAction::keep)) {
        disposed = move(*store->objects, upload, originals, model::original_key(upload.id));
    } else if (job.detail == model::to_string(model::OriginalAction::quarantine)) {
        disposed = move(*store->objects, upload, originals, model::quarantine_key(upload.id));
    } else {
        disposed = remove_everywhere(*store, upload);
    }
    if (!disposed) return Retry{disposed.error()};
    failpoint::pass(failpoint::Point::after_original_removed);
    return Finished{};
}

void DisposeOriginal::finished(const model::Job& job) {
    if (done_) done_(job.upload.id);
}

}  // namespace photogate::pipeline::jobs
