#include "pipeline/jobs/dispose_original.hpp"

#include <chrono>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::pipeline::jobs {
namespace {

using storage::objects::ObjectStore;

/// A move inside the private buckets. Done again after a crash it finds the source gone, and that is success. The copy's ETag
/// is recorded before the source goes.
Result<> move(storage::records::UploadStore& uploads, ObjectStore& objects, const model::Upload& upload,
              const Bucket& to, const ObjectKey& to_key) {
    storage::objects::CopyOptions options;
    if (upload.pinned) options.if_source_matches = upload.pinned->etag;
    const auto copied = objects.copy(upload.bucket, upload.key, to, to_key, options);
    if (!copied && copied.error().code == ErrorCode::store_no_such_key) return {};
    // Another object than the one that was judged (a form can be sent twice): that one was never meant to be kept.
    if (!copied && copied.error().code != ErrorCode::store_precondition_failed) return fail(copied.error());
    if (auto reached = failpoint::reach(failpoint::Point::after_original_copy); !reached) return reached;
    if (copied && upload.pinned && *copied != upload.pinned->etag) {
        if (auto recorded = uploads.record_kept_etag(upload.id, *copied); !recorded) return recorded;
    }
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

DisposeOriginal::DisposeOriginal(storage::records::UploadStore& uploads, const Stores& stores,
                                 std::function<void(const UploadId&)> done, AbortParts abort_parts)
    : JobHandler(model::JobKind::dispose_original, Lane::store),
      uploads_(uploads),
      stores_(stores),
      done_(std::move(done)),
      abort_parts_(std::move(abort_parts)) {}

JobOutcome DisposeOriginal::remove_late(const Store& store, const model::Job& job) const {
    constexpr std::chrono::seconds kUntilSettled{2};
    const auto& upload = job.upload;
    const auto unsettled = uploads_.has_jobs(upload.id);
    if (!unsettled) return Retry{unsettled.error()};
    if (*unsettled) {
        return Retry{Error{ErrorCode::unavailable, "the upload's other jobs come first", {}, std::nullopt},
                     model::Postponement::Cost::free, kUntilSettled};
    }
    const auto there = store.objects->head(upload.bucket, upload.key, {});
    if (!there && there.error().code == ErrorCode::store_no_such_key) return Finished{};
    if (!there) return Retry{there.error()};
    if (auto removed = store.objects->remove(upload.bucket, upload.key, std::nullopt); !removed)
        return Retry{removed.error()};
    failpoint::pass(failpoint::Point::after_late_removed);
    log::warn("upload.put_again", {{"upload", upload.id.str()},
                                   {"state", model::to_string(upload.state)},
                                   {"etag", there->etag.str()},
                                   {"bytes", there->size}});
    return Finished{model::TimelineNote{"object.unwanted",
                                        {{"state", std::string{model::to_string(upload.state)}},
                                         {"etag", there->etag.str()},
                                         {"size", std::to_string(there->size)},
                                         {"removed", "true"}}}};
}

JobOutcome DisposeOriginal::run(const model::Job& job, const StopSignal&) {
    const auto& upload = job.upload;
    const Store* store = stores_.of(upload.region);
    if (!store) {
        return Retry{Error{
            ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt}};
    }
    if (upload.method == model::GrantMethod::multipart && abort_parts_) {
        if (const auto aborted = abort_parts_(upload); !aborted) return Retry{aborted.error()};
    }
    if (job.slot.starts_with(model::kLateSlot)) return remove_late(*store, job);
    const auto& originals = store->region.originals;
    Result<> disposed;
    if (job.detail == model::to_string(model::OriginalAction::keep)) {
        disposed = move(uploads_, *store->objects, upload, originals, model::original_key(upload.id));
    } else if (job.detail == model::to_string(model::OriginalAction::quarantine)) {
        disposed = move(uploads_, *store->objects, upload, originals, model::quarantine_key(upload.id));
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
