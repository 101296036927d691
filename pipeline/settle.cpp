// After the final state: what becomes of the original, and of the published image once it is deleted.
#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "pipeline/processor.hpp"

namespace photogate::pipeline {
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

void Processor::settle_original(const model::Job& job) {
    const Store* store = parts_.stores.of(job.upload.region);
    if (!store) {
        return postpone(
            job, model::Postponement::Cost::free,
            Error{
                ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt});
    }
    Result<> settled;
    if (job.detail == model::to_string(model::OriginalAction::keep)) {
        settled =
            move(*store->objects, job.upload, store->region.originals, model::original_key(job.upload.id));
    } else if (job.detail == model::to_string(model::OriginalAction::quarantine)) {
        settled =
            move(*store->objects, job.upload, store->region.originals, model::quarantine_key(job.upload.id));
    } else {
        settled = remove_everywhere(*store, job.upload);
    }
    if (!settled) return postpone(job, model::Postponement::Cost::free, settled.error());
    finish_cleanup(job);
}

void Processor::remove_published(const model::Job& job) {
    const Store* store = parts_.stores.of(job.upload.region);
    Result<> removed;
    if (!store) {
        removed = fail(ErrorCode::invalid_configuration, "the upload's region is not configured");
    } else if (job.upload.image) {
        removed = store->objects->remove(store->region.published, job.upload.image->key, std::nullopt);
    }
    if (!removed) return postpone(job, model::Postponement::Cost::free, removed.error());
    finish_cleanup(job);
}

void Processor::finish_cleanup(const model::Job& job) {
    failpoint::pass(failpoint::Point::after_original_removed);
    const auto done = parts_.jobs.finish_cleanup(job.lease);
    if (!done) {
        return log::warn("job.not_recorded", {{"upload", job.upload.id.str()},
                                              {"step", model::to_string(job.kind)},
                                              {"code", to_string(done.error().code)}});
    }
    if (parts_.settled) parts_.settled(job.upload.id);
}

}  // namespace photogate::pipeline
