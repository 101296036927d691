#include "tests/support/fake_records.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "storage/records/picture_hash.hpp"

namespace photogate::test {

using model::JobKind;
using model::Lease;
using model::OriginalAction;
using model::Upload;
using model::UploadState;
using storage::records::Created;
using storage::records::ObserveOutcome;
using storage::records::Reaped;

namespace {

tl::unexpected<Error> no_such_upload() {
    return fail(ErrorCode::upload_not_found, "no upload has this id");
}
tl::unexpected<Error> wrong_state() {
    return fail(ErrorCode::state_conflict, "the upload's state does not permit this");
}

/// 0 where nothing similar is asked for; nullopt where it is not as near as that.
std::optional<int> distance_to(const std::optional<storage::records::SimilarTo>& similar,
                               const Upload& upload) {
    if (!similar) return 0;
    if (upload.state != UploadState::published || !upload.facts || similar->except == upload.id)
        return std::nullopt;
    const auto hash = storage::records::parse_picture_hash(upload.facts->perceptual_hash);
    if (!hash) return std::nullopt;
    const int distance = storage::records::distance_between(*hash, similar->hash);
    if (distance < similar->from || distance > similar->distance) return std::nullopt;
    return distance;
}

}  // namespace

std::optional<Error> FakeRecords::begin(std::string_view call) {
    {
        const std::lock_guard lock{mutex_};
        ++calls_[std::string{call}];
    }
    return before ? before(call) : std::nullopt;
}

FakeRecords::Row* FakeRecords::row_of(const std::optional<AppName>& app, const UploadId& id) {
    const auto found = rows_.find(id);
    if (found == rows_.end() || (app && found->second.upload.app != *app)) return nullptr;
    return &found->second;
}

void FakeRecords::tell(Row& row, model::CallbackType type) {
    ++row.upload.sequence;
    row.callbacks.push_back(type);
}

void FakeRecords::note(Row& row, std::string_view event) {
    row.timeline.push_back({clock_.now(), std::string{event}, "{}"});
}

void FakeRecords::queue(const Upload& upload, const JobKind& kind, const std::string& detail) {
    for (const auto& job : jobs_) {
        if (job.upload == upload.id && job.generation == upload.generation && job.kind == kind) return;
    }
    jobs_.push_back({.id = ++last_job_,
                     .upload = upload.id,
                     .generation = upload.generation,
                     .kind = kind,
                     .detail = detail,
                     .run_at = clock_.now()});
}

void FakeRecords::queue_erasing(const Upload& upload, const JobKind& kind, const std::string& detail) {
    std::erase_if(jobs_, [&](const JobRow& job) {
        return job.upload == upload.id && job.generation == upload.generation && job.kind == kind;
    });
    queue(upload, kind, detail);
}

void FakeRecords::queue_late(const Upload& upload) {
    const auto late = [&](const JobRow& job) {
        return job.upload == upload.id && job.slot.starts_with(model::kLateSlot) && job.lease_token.empty();
    };
    if (std::any_of(jobs_.begin(), jobs_.end(), late)) return;
    jobs_.push_back({.id = ++last_job_,
                     .upload = upload.id,
                     .generation = upload.generation + 1,
                     .kind = JobKind::dispose_original,
                     .detail = "remove",
                     .slot = std::string{model::kLateSlot} + std::to_string(last_job_),
                     .run_at = clock_.now()});
}

void FakeRecords::forget_job(std::int64_t id) {
    std::erase_if(jobs_, [&](const JobRow& job) { return job.id == id; });
}

// ---- UploadStore

Created FakeRecords::replay(Upload& first, Timestamp ends) {
    const auto now = clock_.now();
    const bool waits = first.state == UploadState::created || first.state == UploadState::expired;
    if (waits && first.expires_at <= now && ends > now) {
        first.state = UploadState::created;
        first.expires_at = ends;
        first.finished_at.reset();
    }
    return {Created::How::replayed, first};
}

void FakeRecords::create(storage::records::NewUpload item, std::function<void(Result<Created>)> done) {
    if (auto error = begin("create")) return done(fail(*error));
    const auto outcome = [&]() -> Result<Created> {
        const std::lock_guard lock{mutex_};
        const auto& upload = item.upload;
        if (item.idempotency) {
            const auto key = std::pair{upload.app.str(), item.idempotency->key};
            if (const auto used = idempotency_.find(key); used != idempotency_.end()) {
                if (used->second.first != item.idempotency->request_sha256)
                    return fail(ErrorCode::idempotency_key_reused, "the key was used for another request");
                return replay(rows_.at(used->second.second).upload, upload.expires_at);
            }
        }
        if (item.unless_published) {
            for (const auto& [id, row] : rows_) {
                const auto& other = row.upload;
                if (other.app == upload.app && other.profile == upload.profile &&
                    other.state == UploadState::published && other.facts &&
                    other.facts->sha256 == *item.unless_published)
                    return Created{Created::How::deduplicated, other};
            }
        }
        if (item.token && upload.client_token) {
            auto& used = tokens_[*upload.client_token];
            if (used >= item.token->uploads) return fail(ErrorCode::token_exhausted, "no more");
            ++used;
        }
        if (item.idempotency)
            idempotency_[{upload.app.str(), item.idempotency->key}] = {item.idempotency->request_sha256,
                                                                       upload.id};
        auto stored = upload;
        stored.updated_at = clock_.now();
        rows_[upload.id] = {stored, {}, {}, {}};
        return Created{Created::How::created, stored};
    }();
    done(outcome);
}

Result<std::vector<Result<Created>>> FakeRecords::create_batch(const storage::records::NewBatch& batch) {
    if (auto error = begin("create_batch")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<Result<Created>> outcomes;
    std::map<std::size_t, UploadId> made;
    if (batch.idempotency) {
        const auto used = batches_.find({batch.app.str(), batch.idempotency->key});
        if (used != batches_.end()) {
            if (used->second.first != batch.idempotency->request_sha256)
                return fail(ErrorCode::idempotency_key_reused, "the key was used for another request");
            for (std::size_t i = 0; i < batch.places.size(); ++i) {
                const auto place = batch.places[i];
                const auto first = used->second.second.find(place);
                if (first == used->second.second.end()) {
                    outcomes.emplace_back(fail(ErrorCode::idempotency_key_reused, "it was refused"));
                } else {
                    outcomes.emplace_back(
                        replay(rows_.at(first->second).upload, batch.uploads[i].upload.expires_at));
                }
            }
            return outcomes;
        }
    }
    for (std::size_t i = 0; i < batch.uploads.size(); ++i) {
        create(batch.uploads[i], [&](Result<Created> outcome) {
            if (outcome && outcome->how == Created::How::created)
                made.emplace(batch.places[i], outcome->upload.id);
            outcomes.push_back(std::move(outcome));
        });
    }
    if (batch.idempotency && !made.empty())
        batches_[{batch.app.str(), batch.idempotency->key}] = {batch.idempotency->request_sha256, made};
    return outcomes;
}

Result<std::optional<std::string>> FakeRecords::parts_of(const UploadId& id) {
    if (auto error = begin("parts_of")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto found = parts_.find(id);
    return found == parts_.end() ? std::nullopt : std::make_optional(found->second);
}

Result<> FakeRecords::expect_parts(const UploadId&) {
    if (auto error = begin("expect_parts")) return fail(*error);
    return {};
}

Result<std::string> FakeRecords::record_parts(const UploadId& id, const std::string& store_id) {
    if (auto error = begin("record_parts")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto& upload = rows_.at(id).upload;
    if (upload.state != UploadState::created && upload.state != UploadState::expired) return wrong_state();
    return parts_.emplace(id, store_id).first->second;
}

Result<> FakeRecords::forget_parts(const UploadId& id, const std::string& store_id) {
    if (auto error = begin("forget_parts")) return fail(*error);
    const std::lock_guard lock{mutex_};
    if (const auto found = parts_.find(id); found != parts_.end() && found->second == store_id)
        parts_.erase(found);
    return {};
}

Result<Upload> FakeRecords::extend_grant(const AppName& app, const UploadId& id, Timestamp expires_at) {
    if (auto error = begin("extend_grant")) return fail(*error);
    const std::lock_guard lock{mutex_};
    auto* row = row_of(app, id);
    if (!row) return no_such_upload();
    auto& upload = row->upload;
    if (upload.state != UploadState::created && upload.state != UploadState::expired) return wrong_state();
    upload.state = UploadState::created;
    upload.expires_at = std::max(upload.expires_at, expires_at);
    upload.finished_at.reset();
    return upload;
}

Result<Upload> FakeRecords::find(const std::optional<AppName>& app, const UploadId& id) {
    if (auto error = begin("find")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto* row = row_of(app, id);
    if (!row) return no_such_upload();
    return row->upload;
}

Result<std::vector<Upload>> FakeRecords::list(const storage::records::ListQuery& query) {
    if (auto error = begin("list")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<std::pair<int, Upload>> found;
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
        const auto& upload = row->second.upload;
        if (query.app && upload.app != *query.app) continue;
        if (query.state && upload.state != *query.state) continue;
        const auto distance = distance_to(query.similar, upload);
        if (!distance) continue;
        const bool at_cursor = !query.similar || *distance == query.similar->from;
        if (query.before && at_cursor && !(upload.id < *query.before)) continue;
        found.emplace_back(*distance, upload);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    found.resize(std::min(found.size(), query.limit));
    std::vector<Upload> uploads;
    for (auto& [distance, upload] : found)
        uploads.push_back(std::move(upload));
    return uploads;
}

Result<std::vector<storage::records::TimelineEntry>> FakeRecords::timeline(const std::optional<AppName>& app,
                                                                           const UploadId& id) {
    if (auto error = begin("timeline")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto* row = row_of(app, id);
    if (!row) return no_such_upload();
    return row->timeline;
}

Result<Upload> FakeRecords::cancel_or_delete(const std::optional<AppName>& app, const UploadId& id,
                                             storage::records::Published published) {
    if (auto error = begin("cancel_or_delete")) return fail(*error);
    const std::lock_guard lock{mutex_};
    auto* row = row_of(app, id);
    if (!row) return no_such_upload();
    auto& upload = row->upload;
    if (published == storage::records::Published::keep && upload.image)
        return fail(ErrorCode::forbidden, "it is published");
    switch (upload.state) {
        case UploadState::created:
        case UploadState::expired:
        case UploadState::uploaded:
            std::erase_if(jobs_, [&](const JobRow& job) {
                return job.upload == id && (job.kind == JobKind::process || job.kind == JobKind::find_object);
            });
            upload.state = UploadState::cancelled;
            upload.finished_at = clock_.now();
            queue_erasing(upload, JobKind::dispose_original, "remove");
            note(*row, "cancelled");
            return upload;
        case UploadState::processing:
            return wrong_state();
        case UploadState::published:
        case UploadState::rejected:
        case UploadState::failed:
            upload.state = UploadState::deleted;
            upload.finished_at = clock_.now();
            upload.filename.reset();
            upload.client_metadata.clear();
            tell(*row, model::CallbackType::upload_deleted);
            queue_erasing(upload, JobKind::dispose_original, "remove");
            if (upload.image) queue_erasing(upload, JobKind::remove_published, "");
            note(*row, "deleted");
            return upload;
        case UploadState::cancelled:
        case UploadState::deleted:
            return upload;
    }
    return wrong_state();
}

Result<Upload> FakeRecords::retry(const std::optional<AppName>& app, const UploadId& id) {
    if (auto error = begin("retry")) return fail(*error);
    const std::lock_guard lock{mutex_};
    auto* row = row_of(app, id);
    if (!row) return no_such_upload();
    auto& upload = row->upload;
    for (const auto& job : jobs_) {
        if (job.upload == id && job.kind == JobKind::dispose_original && !job.lease_token.empty())
            return wrong_state();
    }
    if (upload.state != UploadState::rejected && upload.state != UploadState::failed) return wrong_state();
    if (!upload.pinned) return wrong_state();
    upload.state = UploadState::uploaded;
    upload.finished_at.reset();
    upload.rejection.reset();
    std::erase_if(
        jobs_, [&](const JobRow& job) { return job.upload == id && job.kind == JobKind::dispose_original; });
    queue(upload, JobKind::process, "");
    note(*row, "retried");
    return upload;
}

Result<std::vector<storage::records::MarkedUpload>> FakeRecords::marks_of(const std::vector<UploadId>& ids) {
    const auto uploads = find_all(ids);
    if (!uploads) return fail(uploads.error());
    std::vector<storage::records::MarkedUpload> marked;
    for (const auto& upload : *uploads)
        marked.push_back({upload.id, static_cast<std::uint64_t>(upload.state)});
    return marked;
}

Result<storage::records::UploadSteps> FakeRecords::steps(const std::optional<AppName>& app,
                                                         const UploadId& id, std::int64_t place) {
    auto upload = find(app, id);
    if (!upload) return fail(upload.error());
    const auto now = static_cast<std::int64_t>(upload->state);
    storage::records::UploadSteps result{std::move(*upload), static_cast<std::uint64_t>(now), {}, false};
    if (place < 0) result.steps.push_back({0, result.upload.created_at, model::UploadState::created});
    if (now > std::max<std::int64_t>(place, 0))
        result.steps.push_back({now, result.upload.updated_at, result.upload.state});
    return result;
}

Result<std::vector<storage::records::EndedUpload>> FakeRecords::ended_among(
    const std::vector<UploadId>& ids) {
    std::vector<storage::records::EndedUpload> ended;
    auto uploads = find_all(ids);
    if (!uploads) return fail(uploads.error());
    for (const auto& upload : *uploads) {
        if (!is_final(upload.state)) continue;
        const auto has_jobs = this->has_jobs(upload.id);
        if (!has_jobs) return fail(has_jobs.error());
        ended.push_back({upload.id, *has_jobs});
    }
    return ended;
}

Result<std::vector<model::Upload>> FakeRecords::find_all(const std::vector<UploadId>& ids) {
    std::vector<model::Upload> found;
    for (const auto& id : ids) {
        auto upload = find(std::nullopt, id);
        if (upload) {
            found.push_back(std::move(*upload));
        } else if (upload.error().code != ErrorCode::upload_not_found) {
            return fail(upload.error());
        }
    }
    return found;
}

Result<bool> FakeRecords::has_jobs(const UploadId& id) {
    if (auto error = begin("has_jobs")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto upload = rows_.find(id);
    return upload != rows_.end() && std::any_of(jobs_.begin(), jobs_.end(), [&](const JobRow& job) {
               return job.upload == id && job.generation <= upload->second.upload.generation;
           });
}

Result<> FakeRecords::record_kept_etag(const UploadId& id, const ETag& etag) {
    if (auto error = begin("record_kept_etag")) return fail(*error);
    const std::lock_guard lock{mutex_};
    if (const auto upload = rows_.find(id); upload != rows_.end()) upload->second.kept_etag = etag;
    return {};
}

std::optional<ETag> FakeRecords::kept_etag_of(const UploadId& id) const {
    const std::lock_guard lock{mutex_};
    const auto upload = rows_.find(id);
    return upload == rows_.end() ? std::nullopt : upload->second.kept_etag;
}

// ---- Arrivals

void FakeRecords::observe(storage::records::Observation seen,
                          std::function<void(Result<ObserveOutcome>)> done) {
    if (auto error = begin("observe")) return done(fail(*error));
    const auto outcome = [&]() -> ObserveOutcome {
        const std::lock_guard lock{mutex_};
        if (seen.event_id && !events_.insert(*seen.event_id).second) return ObserveOutcome::duplicate;
        const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const auto& each) {
            return each.second.upload.region == seen.region && each.second.upload.bucket == seen.bucket &&
                   each.second.upload.key == seen.key;
        });
        if (found == rows_.end()) return ObserveOutcome::unknown;
        auto& row = found->second;
        auto& upload = row.upload;
        switch (upload.state) {
            case UploadState::created:
            case UploadState::expired:
                upload.state = UploadState::uploaded;
                upload.received_at = clock_.now();
                upload.finished_at.reset();
                upload.pinned = seen.object;
                upload.client_metadata = seen.client_metadata;
                ++upload.generation;
                tell(row, model::CallbackType::upload_received);
                queue(upload, JobKind::process, "");
                note(row, "received");
                return ObserveOutcome::received;
            case UploadState::published:
            case UploadState::rejected:
            case UploadState::cancelled:
            case UploadState::deleted:
                queue_late(upload);
                return ObserveOutcome::unwanted;
            default:
                return ObserveOutcome::already_known;
        }
    }();
    done(outcome);
}

Result<> FakeRecords::quarantine_event(const std::string&, const std::string& reason, const std::string&) {
    if (auto error = begin("quarantine_event")) return fail(*error);
    const std::lock_guard lock{mutex_};
    quarantined_.push_back(reason);
    return {};
}

Result<std::size_t> FakeRecords::queue_finding(const std::vector<storage::records::ObjectPlace>& places) {
    if (auto error = begin("queue_finding")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::size_t waiting = 0;
    for (const auto& [id, row] : rows_) {
        const auto& upload = row.upload;
        if (upload.state != UploadState::created && upload.state != UploadState::expired) continue;
        const auto named = std::any_of(places.begin(), places.end(), [&](const auto& place) {
            return place.region == upload.region && place.bucket == upload.bucket && place.key == upload.key;
        });
        if (!named) continue;
        ++waiting;
        queue(upload, JobKind::find_object, "");
    }
    return waiting;
}

Result<std::vector<ObjectKey>> FakeRecords::still_waiting(const std::vector<ObjectKey>& keys) {
    if (auto error = begin("still_waiting")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<ObjectKey> waiting;
    for (const auto& [id, row] : rows_) {
        const bool waits =
            row.upload.state == UploadState::created || row.upload.state == UploadState::expired;
        if (waits && std::find(keys.begin(), keys.end(), row.upload.key) != keys.end())
            waiting.push_back(row.upload.key);
    }
    return waiting;
}

// ---- what a test arranges and looks at

void FakeRecords::expire_leases() {
    const std::lock_guard lock{mutex_};
    for (auto& job : jobs_)
        job.lease_until = clock_.now() - std::chrono::seconds{1};
}

void FakeRecords::all_due() {
    const std::lock_guard lock{mutex_};
    for (auto& job : jobs_)
        job.run_at = clock_.now();
}

void FakeRecords::mark_deleting(const ObjectKey& key) {
    const std::lock_guard lock{mutex_};
    deleting_.insert(key);
}

void FakeRecords::add_job(const UploadId& id, const JobKind& kind, const std::string& detail) {
    const std::lock_guard lock{mutex_};
    queue(rows_.at(id).upload, kind, detail);
}

void FakeRecords::change(const UploadId& id, const std::function<void(Upload&)>& how) {
    const std::lock_guard lock{mutex_};
    how(rows_.at(id).upload);
}

std::vector<FakeRecords::JobRow> FakeRecords::jobs_of(const UploadId& id) const {
    const std::lock_guard lock{mutex_};
    std::vector<JobRow> found;
    std::copy_if(jobs_.begin(), jobs_.end(), std::back_inserter(found),
                 [&](const JobRow& job) { return job.upload == id; });
    return found;
}

std::optional<model::Publication> FakeRecords::published_as(const UploadId& id) const {
    const std::lock_guard lock{mutex_};
    return rows_.at(id).publication;
}

std::vector<model::CallbackType> FakeRecords::callbacks_of(const UploadId& id) const {
    const std::lock_guard lock{mutex_};
    return rows_.at(id).callbacks;
}

std::vector<std::string> FakeRecords::quarantined() const {
    const std::lock_guard lock{mutex_};
    return quarantined_;
}

std::size_t FakeRecords::calls(std::string_view call) const {
    const std::lock_guard lock{mutex_};
    const auto found = calls_.find(call);
    return found == calls_.end() ? 0 : found->second;
}

}  // namespace photogate::test
