// What the app and the operator ask for: t11 to t13 of docs/states.md.
#include <algorithm>

#include "model/job.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/postgres.hpp"

namespace photogate::storage::records {
namespace {

tl::unexpected<Error> no_such_upload() {
    return fail(ErrorCode::upload_not_found, "no upload has this id");
}

struct LockedJob {
    model::JobKind kind;
    bool leased = false;
};

/// The upload with its jobs, all locked, in the order that every writer keeps: jobs first.
struct Locked {
    std::vector<LockedJob> jobs;
    model::Upload upload;
    bool is_leased(const model::JobKind& kind) const {
        return std::any_of(jobs.begin(), jobs.end(),
                           [&](const LockedJob& job) { return job.kind == kind && job.leased; });
    }
};

Result<Locked> lock_whole(Transaction& transaction, const std::optional<AppName>& app, const UploadId& id) {
    if (transaction.run("find_upload", params(id.str(), text_of(app))).empty()) return no_such_upload();
    Locked locked;
    for (const auto& row : transaction.run("lock_jobs_of_upload", params(id.str()))) {
        locked.jobs.push_back({{row["kind"].c_str()}, row["leased"].as<bool>()});
    }
    auto uploads = to_uploads(transaction.run("lock_upload_of_app", params(id.str(), text_of(app))));
    if (uploads.empty()) return no_such_upload();
    locked.upload = std::move(uploads.front());
    return locked;
}

void queue_erasing(Transaction& transaction, const model::Upload& upload, const model::JobKind& kind) {
    transaction.run("insert_erasing_job",
                    params(upload.id.str(), upload.generation, upload.app.str(), to_string(kind),
                           kind == model::JobKind::dispose_original ? "remove" : "", party_of(upload)));
}

/// Whether a worker is at the original while its upload is deleted.
enum class Original { at_rest, being_moved };

/// As long as its grant is good a client can put its object again, and the event of that may be lost: what is
/// there when the grant has ended goes as well. So does what a worker copies although its lease has just been
/// taken from it. A job of the next generation, so that no request waits for it.
void queue_late_erasing(Transaction& transaction, const model::Upload& upload, Original original,
                        Timestamp now) {
    constexpr std::chrono::seconds kGrace{60}, kLongestCopy{300};
    auto at = upload.expires_at + kGrace;
    if (original == Original::being_moved) at = std::max<Timestamp>(at, now + kLongestCopy);
    if (at <= now) return;
    const auto wait = std::chrono::ceil<std::chrono::seconds>(at - now);
    transaction.run("insert_job", params(upload.id.str(), upload.generation + 1, upload.app.str(),
                                         to_string(model::JobKind::dispose_original), "remove", wait.count(),
                                         party_of(upload)));
}

void note(Transaction& transaction, const UploadId& id, std::string_view event, Timestamp now) {
    TimelineRows timeline;
    timeline.add(id, event);
    timeline.insert(transaction, now);
}

Result<model::Upload> cancel(Transaction& transaction, const model::Upload& upload, Timestamp now) {
    auto cancelled = to_uploads(transaction.run("cancel_upload", params(upload.id.str(), now)));
    if (cancelled.empty()) return fail(ErrorCode::state_conflict, "the upload's state does not permit this");
    for (const auto& pointless : {model::JobKind::process, model::JobKind::find_object})
        transaction.run("delete_jobs_of_upload", params(upload.id.str(), to_string(pointless)));
    // Also where no object is known: its event may be on the way, or lost.
    queue_erasing(transaction, upload, model::JobKind::dispose_original);
    queue_late_erasing(transaction, upload, Original::at_rest, now);
    note(transaction, upload.id, "cancelled", now);
    return std::move(cancelled.front());
}

Result<model::Upload> erase(Transaction& transaction, const model::CallbackComposer& composer, Locked locked,
                            Timestamp now) {
    auto& upload = locked.upload;
    const auto original =
        locked.is_leased(model::JobKind::dispose_original) ? Original::being_moved : Original::at_rest;
    upload.state = model::UploadState::deleted;
    upload.finished_at = now;
    upload.updated_at = now;
    upload.filename.reset();
    upload.client_metadata.clear();
    if (upload.facts) {
        upload.facts->exif_json.clear();
        upload.facts->privacy_json.clear();
        upload.facts->placeholder.clear();
        upload.facts->perceptual_hash.clear();
        upload.facts->dominant_color.clear();
    }
    transaction.run("erase_told_callbacks", params(upload.id.str()));
    OutboxRows outbox;
    if (const auto callback = compose(composer, model::CallbackType::upload_deleted, upload, now)) {
        outbox.add(*callback, model::CallbackType::upload_deleted, upload);
    }
    std::int64_t number = 0;
    if (upload.image) {
        for (const auto& purge : composer.purges(upload, now))
            outbox.add(purge, --number, upload);
    }
    if (transaction.run("erase_upload", params(upload.id.str(), now, upload.sequence)).size() != 1) {
        return fail(ErrorCode::state_conflict, "the upload's state does not permit this");
    }
    transaction.run("erase_package_failures", params(upload.id.str()));
    queue_erasing(transaction, upload, model::JobKind::dispose_original);
    queue_late_erasing(transaction, upload, original, now);
    // One that is under way notices by itself.
    transaction.run("delete_unclaimed_jobs_of_upload",
                    params(upload.id.str(), to_string(model::JobKind::make_variants)));
    if (upload.image) queue_erasing(transaction, upload, model::JobKind::remove_published);
    outbox.insert(transaction, now);
    note(transaction, upload.id, "deleted", now);
    return std::move(upload);
}

}  // namespace

Result<model::Upload> PostgresUploadStore::cancel_or_delete(const std::optional<AppName>& app,
                                                            const UploadId& id, Published published) {
    auto ended = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<model::Upload> {
        auto locked = lock_whole(transaction, app, id);
        if (!locked) return fail(locked.error());
        if (published == Published::keep && locked->upload.image)
            return fail(ErrorCode::forbidden, "it is published: erasing it needs its app's key");
        const auto now = state_.clock.now();
        switch (locked->upload.state) {
            case model::UploadState::created:
            case model::UploadState::expired:
            case model::UploadState::uploaded:
                return cancel(transaction, locked->upload, now);
            case model::UploadState::processing:
                return fail(ErrorCode::state_conflict,
                            "the upload is being processed; delete it when that is over");
            case model::UploadState::published:
            case model::UploadState::rejected:
            case model::UploadState::failed:
                return erase(transaction, state_.composer, std::move(*locked), now);
            case model::UploadState::cancelled:
            case model::UploadState::deleted:
                return std::move(locked->upload);
        }
        return fail(ErrorCode::internal, "an upload without a state");
    });
    if (ended) {
        state_.wakeups.signal(Work::jobs);
        state_.wakeups.signal(Work::callbacks);
    }
    return ended;
}

Result<bool> erase_if_ended_before(DatabaseState& state, const UploadId& id, Timestamp before) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        auto locked = lock_whole(transaction, std::nullopt, id);
        if (!locked && locked.error().code == ErrorCode::upload_not_found) return false;
        if (!locked) return fail(locked.error());
        const auto& upload = locked->upload;
        const bool ended =
            upload.state == model::UploadState::rejected || upload.state == model::UploadState::failed;
        // It may have been tried again, and published, since it was found.
        if (!ended || !upload.finished_at || *upload.finished_at >= before) return false;
        const auto erased = erase(transaction, state.composer, std::move(*locked), state.clock.now());
        if (!erased) return fail(erased.error());
        return true;
    });
}

Result<model::Upload> PostgresUploadStore::retry(const std::optional<AppName>& app, const UploadId& id) {
    auto retried =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<model::Upload> {
            auto locked = lock_whole(transaction, app, id);
            if (!locked) return fail(locked.error());
            const auto state = locked->upload.state;
            const bool on_its_way =
                state == model::UploadState::uploaded || state == model::UploadState::processing;
            if (earlier == Earlier::in_doubt && on_its_way) return std::move(locked->upload);
            const auto now = state_.clock.now();
            transaction.run("delete_unclaimed_jobs_of_upload",
                            params(id.str(), to_string(model::JobKind::dispose_original)));
            auto uploads = to_uploads(transaction.run("retry_upload", params(id.str(), now)));
            const bool ended = state == model::UploadState::rejected || state == model::UploadState::failed;
            if (uploads.empty() && ended && locked->upload.pinned)
                return fail(ErrorCode::state_conflict, "the original is being moved or removed right now");
            if (uploads.empty())
                return fail(ErrorCode::state_conflict,
                            "only a rejected or failed upload can be processed again");
            auto& upload = uploads.front();
            transaction.run("insert_job",
                            params(id.str(), upload.generation, upload.app.str(),
                                   to_string(model::JobKind::process), "", 0, party_of(upload)));
            note(transaction, id, "retried", now);
            return std::move(upload);
        });
    if (retried) state_.wakeups.signal(Work::jobs);
    return retried;
}

Result<bool> PostgresUploadStore::has_jobs(const UploadId& id) {
    return read(state_.pool, [&](Transaction& transaction) -> Result<bool> {
        return transaction.run("has_jobs", params(id.str()))[0][0].as<bool>();
    });
}

Result<> PostgresUploadStore::record_kept_etag(const UploadId& id, const ETag& etag) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
        transaction.run("record_kept_etag", params(id.str(), etag.str()));
        return {};
    });
}

}  // namespace photogate::storage::records
