// After the final state: what becomes of the original, and of the published image once it is deleted.
#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "pipeline/processor.hpp"

namespace photogate::pipeline {
namespace {

namespace records = storage::records;
using storage::objects::ObjectStore;

/// A move inside the private buckets. Done again after a crash it finds the source gone, and that is success.
Result<> move(ObjectStore& objects, const records::Upload& upload, const Bucket& to,
              const ObjectKey& to_key) {
    storage::objects::CopyOptions options;
    if (upload.pinned) options.if_source_matches = upload.pinned->etag;
    const auto copied = objects.copy(upload.bucket, upload.key, to, to_key, options);
    if (!copied && copied.error().code == ErrorCode::store_no_such_key) return {};
    // Another object than the one that was judged (a form can be sent twice): nobody asked to keep that one.
    if (!copied && copied.error().code != ErrorCode::store_precondition_failed) return fail(copied.error());
    if (auto reached = failpoint::reach(failpoint::Point::after_original_copy); !reached) return reached;
    return objects.remove(upload.bucket, upload.key, std::nullopt);
}

Result<> remove_everywhere(const Store& store, const records::Upload& upload) {
    if (auto removed = store.objects->remove(upload.bucket, upload.key, std::nullopt); !removed)
        return removed;
    const bool erased =
        upload.state == records::UploadState::deleted || upload.state == records::UploadState::cancelled;
    if (!erased) return {};
    for (const auto& key : {kept_key(upload.id), quarantine_key(upload.id)}) {
        if (auto removed = store.objects->remove(store.region.originals, key, std::nullopt); !removed)
            return removed;
    }
    return {};
}

}  // namespace

void Processor::settle_original(const records::Job& job) {
    const Store* store = parts_.stores.of(job.upload.region);
    if (!store) {
        return postpone(
            job, records::Postponement::Cost::free,
            Error{
                ErrorCode::invalid_configuration, "the upload's region is not configured", {}, std::nullopt});
    }
    Result<> settled;
    if (job.detail == records::to_string(records::OriginalAction::keep)) {
        settled = move(*store->objects, job.upload, store->region.originals, kept_key(job.upload.id));
    } else if (job.detail == records::to_string(records::OriginalAction::quarantine)) {
        settled = move(*store->objects, job.upload, store->region.originals, quarantine_key(job.upload.id));
    } else {
        settled = remove_everywhere(*store, job.upload);
    }
    if (!settled) return postpone(job, records::Postponement::Cost::free, settled.error());
    finish_cleanup(job);
}

void Processor::remove_published(const records::Job& job) {
    const Store* store = parts_.stores.of(job.upload.region);
    Result<> removed;
    if (!store) {
        removed = fail(ErrorCode::invalid_configuration, "the upload's region is not configured");
    } else if (job.upload.image) {
        removed = store->objects->remove(store->region.published, job.upload.image->key, std::nullopt);
    }
    if (!removed) return postpone(job, records::Postponement::Cost::free, removed.error());
    finish_cleanup(job);
}

void Processor::finish_cleanup(const records::Job& job) {
    failpoint::pass(failpoint::Point::after_original_removed);
    const auto done = parts_.records.finish_cleanup(job.lease);
    if (!done) {
        return log::warn("job.not_recorded", {{"upload", job.upload.id.str()},
                                              {"step", records::to_string(job.kind)},
                                              {"code", to_string(done.error().code)}});
    }
    if (parts_.settled) parts_.settled(job.upload.id);
}

}  // namespace photogate::pipeline
