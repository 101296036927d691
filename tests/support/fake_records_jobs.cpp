// FakeRecords' jobs and verdicts.
#include <algorithm>
#include <map>
#include <thread>

#include "tests/support/fake_records.hpp"

namespace photogate::test {

using model::JobKind;
using model::Lease;
using model::OriginalAction;
using model::Upload;
using model::UploadState;
using storage::records::Reaped;

namespace {

constexpr std::uint32_t kMostGenerations = 3;

tl::unexpected<Error> lease_lost() {
    return fail(ErrorCode::lease_lost, "the lease is over");
}

}  // namespace

Result<std::vector<model::Job>> FakeRecords::claim(const storage::records::ClaimRequest& request) {
    if (auto error = begin("claim")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<model::Job> claimed;
    std::vector<std::int64_t> pointless;
    for (auto& job : jobs_) {
        if (claimed.size() == request.most) break;
        const bool knows =
            std::find(request.kinds.begin(), request.kinds.end(), job.kind) != request.kinds.end();
        if (!job.lease_token.empty() || job.run_at > clock_.now() || !knows) continue;
        auto& row = rows_.at(job.upload);
        const auto is_among = [&](const std::vector<std::string>& regions) {
            return std::find(regions.begin(), regions.end(), row.upload.region) != regions.end();
        };
        const bool is_near = request.near.empty() || is_among(request.near);
        if (is_among(request.away) || (!is_near && job.run_at + request.far_after > clock_.now())) continue;
        if (job.kind == JobKind::process) {
            if (row.upload.state != UploadState::uploaded || row.upload.generation != job.generation) {
                pointless.push_back(job.id);
                continue;
            }
            row.upload.state = UploadState::processing;
            if (job.waits_for.empty()) note(row, "claimed");
        }
        job.held_by.clear();
        ++job.attempt;
        job.lease_token = "token-" + std::to_string(++last_token_);
        job.lease_until = clock_.now() + request.lease;
        model::Job given;
        given.lease = {job.id, job.lease_token};
        given.kind = job.kind;
        given.subject = {"upload", job.upload.str()};
        given.app = row.upload.app;
        given.detail = job.detail;
        given.slot = job.slot;
        given.attempt = job.attempt;
        given.ran_out_of_time = job.ran_out_of_time;
        given.upload = row.upload;
        claimed.push_back(std::move(given));
    }
    for (const auto id : pointless)
        forget_job(id);
    return claimed;
}

Result<std::vector<Lease>> FakeRecords::extend_leases(const std::vector<Lease>& leases,
                                                      std::chrono::seconds lease) {
    if (auto error = begin("extend_leases")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<Lease> lost;
    for (const auto& ours : leases) {
        const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const JobRow& each) {
            return each.id == ours.job && each.lease_token == ours.token;
        });
        if (job == jobs_.end()) {
            lost.push_back(ours);
        } else {
            job->lease_until = clock_.now() + lease;
        }
    }
    return lost;
}

Result<> FakeRecords::release(const std::vector<Lease>& leases) {
    if (auto error = begin("release")) return fail(*error);
    const std::lock_guard lock{mutex_};
    for (const auto& lease : leases) {
        for (auto& job : jobs_) {
            if (job.id != lease.job || job.lease_token != lease.token) continue;
            job.lease_token.clear();
            job.attempt -= job.attempt > 0 ? 1 : 0;
            job.run_at = clock_.now();
            auto& upload = rows_.at(job.upload).upload;
            if (job.kind == JobKind::process && upload.state == UploadState::processing)
                upload.state = UploadState::uploaded;
        }
    }
    return {};
}

Result<FakeRecords::Held> FakeRecords::hold(const Lease& lease) {
    const auto job = std::find_if(jobs_.begin(), jobs_.end(), [&](const JobRow& each) {
        return each.id == lease.job && !lease.token.empty() && each.lease_token == lease.token;
    });
    if (job == jobs_.end()) return lease_lost();
    auto& row = rows_.at(job->upload);
    const bool current = row.upload.generation == job->generation;
    if (job->kind == JobKind::process && (row.upload.state != UploadState::processing || !current))
        return lease_lost();
    return Held{&*job, &row};
}

Result<FakeRecords::Held> FakeRecords::hold_processing(const Lease& lease) {
    auto held = hold(lease);
    if (held && held->job->kind != JobKind::process)
        return fail(ErrorCode::state_conflict, "this lease is for cleaning up, not for a verdict");
    return held;
}

void FakeRecords::end(Held held, UploadState state, model::RejectionFacts why,
                      std::optional<OriginalAction> original) {
    auto& upload = held.row->upload;
    upload.state = state;
    upload.rejection = std::move(why);
    upload.finished_at = clock_.now();
    tell(*held.row, state == UploadState::failed ? model::CallbackType::upload_failed
                                                 : model::CallbackType::upload_rejected);
    if (!held.job->waits_for.empty()) note(*held.row, "resumed");
    note(*held.row, to_string(state));
    forget_job(held.job->id);
    if (original) queue(upload, JobKind::dispose_original, std::string{to_string(*original)});
}

Result<UploadState> FakeRecords::postpone(const Lease& lease, const model::Postponement& why) {
    if (auto error = begin("postpone")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto held = hold(lease);
    if (!held) return fail(held.error());
    auto& job = *held->job;
    auto& upload = held->row->upload;
    if (why.cost == model::Postponement::Cost::free) {
        job.attempt -= job.attempt > 0 ? 1 : 0;
    } else if (why.cost == model::Postponement::Cost::timeout) {
        job.ran_out_of_time = true;
    } else {
        if (why.cost == model::Postponement::Cost::decoder_crash) ++job.crashes;
        const bool last =
            job.kind == JobKind::process && (job.attempt >= max_attempts_ || job.crashes >= max_crashes_);
        if (last) {
            end(*held, UploadState::failed, {why.code, why.detail}, {});
            return UploadState::failed;
        }
    }
    job.lease_token.clear();
    job.run_at = clock_.now() + why.delay;
    job.held_by = why.held_by;
    const bool waits = job.kind == JobKind::process && why.cost == model::Postponement::Cost::free;
    auto& codes = job.waits_for;
    if (!waits && !codes.empty()) note(*held->row, "resumed");
    if (!waits || std::find(codes.begin(), codes.end(), why.code) == codes.end())
        note(*held->row, "postponed");
    if (waits) {
        codes.push_back(why.code);
    } else {
        codes.clear();
    }
    if (job.kind == JobKind::process) upload.state = UploadState::uploaded;
    return upload.state;
}

Result<std::size_t> FakeRecords::release_held(const storage::records::HeldJobs& held) {
    if (auto error = begin("release_held")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto is_among = [](const std::vector<std::string>& gates, const std::string& gate) {
        return std::find(gates.begin(), gates.end(), gate) != gates.end();
    };
    std::map<std::string, std::size_t> released;
    for (auto& job : jobs_) {
        if (job.held_by.empty() || !job.lease_token.empty() || is_among(held.away, job.held_by)) continue;
        if (job.run_at <= clock_.now() + std::chrono::seconds{2}) continue;
        auto& count = released[job.held_by];
        if (count >= (is_among(held.tried, job.held_by) ? 1 : held.most)) continue;
        ++count;
        job.run_at = clock_.now();
    }
    std::size_t all = 0;
    for (const auto& [gate, count] : released)
        all += count;
    return all;
}

Result<> FakeRecords::finish_cleanup(const Lease& lease, const std::optional<model::TimelineNote>& written) {
    if (auto error = begin("finish_cleanup")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto held = hold(lease);
    if (!held) return fail(held.error());
    if (held->job->kind == JobKind::process)
        return fail(ErrorCode::state_conflict, "this lease is for a verdict, not for cleaning up");
    if (written) note(*held->row, written->event);
    forget_job(held->job->id);
    return {};
}

Result<Reaped> FakeRecords::reap() {
    if (auto error = begin("reap")) return fail(*error);
    const std::lock_guard lock{mutex_};
    Reaped reaped;
    std::vector<std::int64_t> ids;
    for (const auto& job : jobs_) {
        if (!job.lease_token.empty() && job.lease_until < clock_.now()) ids.push_back(job.id);
    }
    for (const auto id : ids) {
        const auto job =
            std::find_if(jobs_.begin(), jobs_.end(), [&](const JobRow& each) { return each.id == id; });
        auto& row = rows_.at(job->upload);
        if (job->kind == JobKind::process && job->attempt >= max_attempts_) {
            end({&*job, &row}, UploadState::failed, {"lease_lost", "the workers disappeared"}, {});
            ++reaped.failed;
            continue;
        }
        job->lease_token.clear();
        job->run_at = clock_.now();
        if (job->kind == JobKind::process && row.upload.state == UploadState::processing)
            row.upload.state = UploadState::uploaded;
        note(row, "lease.lost");
        ++reaped.requeued;
    }
    return reaped;
}

void FakeRecords::wait_for_jobs(std::chrono::milliseconds timeout) {
    if (on_wait) return on_wait(timeout);
    // A hint may come at any time, so an early return is a correct answer; the pause spares the processor.
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

void FakeRecords::stop_waiting() {}

// ---- Publications

Result<Upload> FakeRecords::publish(const Lease& lease, const model::Publication& publication) {
    if (auto error = begin("publish")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto held = hold_processing(lease);
    if (!held) return fail(held.error());
    if (deleting_.erase(publication.image.key) > 0)
        return fail(ErrorCode::state_conflict, "the image's object is being removed: put it again");
    auto& upload = held->row->upload;
    upload.state = UploadState::published;
    upload.facts = publication.facts;
    upload.image = publication.image;
    held->row->publication = publication;
    upload.rejection.reset();
    upload.finished_at = clock_.now();
    tell(*held->row, model::CallbackType::upload_published);
    if (!held->job->waits_for.empty()) note(*held->row, "resumed");
    note(*held->row, "published");
    forget_job(held->job->id);
    queue(upload, JobKind::dispose_original, std::string{to_string(publication.original)});
    return upload;
}

Result<Upload> FakeRecords::reject(const Lease& lease, const model::Refusal& refusal) {
    if (auto error = begin("reject")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto held = hold_processing(lease);
    if (!held) return fail(held.error());
    if (refusal.facts) held->row->upload.facts = refusal.facts;
    end(*held, UploadState::rejected, refusal.rejection, refusal.original);
    return held->row->upload;
}

Result<UploadState> FakeRecords::repin(const Lease& lease, const model::PinnedObject& now_there) {
    if (auto error = begin("repin")) return fail(*error);
    const std::lock_guard lock{mutex_};
    const auto held = hold_processing(lease);
    if (!held) return fail(held.error());
    auto& upload = held->row->upload;
    if (upload.generation >= kMostGenerations) {
        end(*held, UploadState::rejected, {"overwritten", "the object was overwritten again and again"},
            OriginalAction::quarantine);
        return UploadState::rejected;
    }
    upload.state = UploadState::uploaded;
    upload.pinned = now_there;
    ++upload.generation;
    auto& job = *held->job;
    job.lease_token.clear();
    ++job.generation;
    job.attempt = job.crashes = 0;
    job.run_at = clock_.now();
    note(*held->row, "repinned");
    return UploadState::uploaded;
}

Result<std::optional<Upload>> FakeRecords::find_public(const PublicId& id) {
    if (auto error = begin("find_public")) return fail(*error);
    const std::lock_guard lock{mutex_};
    for (const auto& [key, row] : rows_) {
        if (row.upload.public_id == id && row.upload.image) return std::optional<Upload>{row.upload};
    }
    return std::optional<Upload>{};
}

Result<std::vector<storage::records::ReferredImage>> FakeRecords::references(
    const Bucket&, const std::vector<ObjectKey>& keys) {
    if (auto error = begin("references")) return fail(*error);
    const std::lock_guard lock{mutex_};
    std::vector<storage::records::ReferredImage> images;
    for (const auto& [id, row] : rows_) {
        const auto& upload = row.upload;
        if (!upload.image || std::find(keys.begin(), keys.end(), upload.image->key) == keys.end()) continue;
        const bool to_remove = std::any_of(jobs_.begin(), jobs_.end(), [&](const JobRow& job) {
            return job.upload == upload.id && job.kind == JobKind::remove_published;
        });
        if (upload.state == UploadState::published || to_remove)
            images.push_back({upload.image->key, upload.image->etag, upload.image->sha256});
    }
    return images;
}

}  // namespace photogate::test
