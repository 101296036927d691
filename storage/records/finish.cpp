// How a job ends: t5, t6, t7, t8 and t10, each held to its lease.
//
// Each call locks the job by its token, then the upload, composes the callback from the row as it will stand,
// and writes all of it in the same transaction. After a lost COMMIT the lease is gone where it had come
// through: then the upload, or the job's `given_back`, tells what was done.
#include "storage/records/finish.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/log.hpp"
#include "storage/records/postgres.hpp"

namespace photogate::storage::records {
namespace {

constexpr std::uint32_t kMostGenerations = 3;
constexpr std::string_view kUploadSubject = "upload";

tl::unexpected<Error> lease_lost() {
    return fail(ErrorCode::lease_lost, "the lease is over: another worker may have the job");
}

void expect_one(const pqxx::result& rows, const char* what) {
    if (rows.size() != 1)
        throw std::logic_error(std::string{what} + " changed another number of rows than one");
}

std::optional<model::Upload> look_again(Transaction& transaction, const std::optional<UploadId>& id) {
    if (!id) return std::nullopt;
    auto uploads = to_uploads(transaction.run("look_again_at_upload", params(id->str())));
    if (uploads.empty()) return std::nullopt;
    return std::move(uploads.front());
}

bool was_given_back(Transaction& transaction, const model::Lease& lease) {
    const auto rows = transaction.run("look_again_at_job", params(lease.job, lease.token));
    return !rows.empty() && !rows[0][0].is_null() && rows[0][0].as<bool>();
}

/// What waited has what it waited for.
void note_resumed(TimelineRows& timeline, const Held& held, Timestamp now) {
    if (!held.waiting_since) return;
    const auto waited = std::chrono::floor<std::chrono::seconds>(now - *held.waiting_since).count();
    timeline.add(held.upload.id, "resumed",
                 {{"waited_s", std::to_string(std::max<std::int64_t>(0, waited))}});
}

void queue_settling(Transaction& transaction, const model::Upload& upload, model::OriginalAction action) {
    transaction.run("insert_job", params(upload.id.str(), upload.generation, upload.app.str(),
                                         to_string(model::JobKind::dispose_original), to_string(action), 0,
                                         party_of(upload)));
}

}  // namespace

void queue_variants(Transaction& transaction, const model::Upload& upload) {
    transaction.run("insert_job", params(upload.id.str(), upload.generation, upload.app.str(),
                                         to_string(model::JobKind::make_variants), "", 0, party_of(upload)));
}

namespace {

struct Ending {
    model::UploadState state = model::UploadState::rejected;
    model::RejectionFacts why;
    std::optional<model::OriginalFacts> facts;
    std::optional<model::OriginalAction> original;  ///< absent: it stays where it is, for a retry
};

/// t6, t8 and the end of t10.
model::Upload end_upload(Transaction& transaction, const model::CallbackComposer& composer, const Held& held,
                         const Ending& ending, Timestamp now) {
    model::Upload upload = held.upload;
    upload.state = ending.state;
    upload.rejection = model::RejectionFacts{database::storable_text(ending.why.code, 128),
                                             database::storable_text(ending.why.detail, 2048)};
    if (ending.facts) upload.facts = ending.facts;
    upload.finished_at = now;
    upload.updated_at = now;
    const auto type = ending.state == model::UploadState::failed ? model::CallbackType::upload_failed
                                                                 : model::CallbackType::upload_rejected;
    OutboxRows outbox;
    if (const auto callback = compose(composer, type, upload, now)) outbox.add(*callback, type, upload);

    auto parameters = params(upload.id.str(), to_string(ending.state), now, upload.sequence,
                             upload.rejection->code, upload.rejection->detail);
    add_facts(parameters, upload.facts);
    expect_one(transaction.run("end_upload", parameters.add(upload.generation)), "end_upload");
    expect_one(transaction.run("delete_job", params(held.lease.job, held.lease.token)), "delete_job");
    if (ending.original) queue_settling(transaction, upload, *ending.original);
    outbox.insert(transaction, now);
    TimelineRows timeline;
    note_resumed(timeline, held, now);
    timeline.add(upload.id, to_string(ending.state),
                 {{"code", upload.rejection->code}, {"detail", upload.rejection->detail}});
    timeline.insert(transaction, now);
    return upload;
}

/// The versions that were made ahead, and the upload's variants. One whose object is being removed as an orphan is left
/// to the job.
model::MadeAhead::Rest store_ahead(Transaction& transaction, model::Upload& upload,
                                   const model::Publication& publication) {
    auto rest = publication.ahead.rest;
    upload.variants = publication.ahead.variants;
    for (const auto& version : publication.ahead.versions) {
        const auto& image = version.image;
        auto parameters = params(upload.id.str(), version.spec_key, upload.region, publication.bucket.str());
        parameters.add(image.key.str()).add(image.etag.str()).add(image.sha256).add(version.crc32);
        parameters.add(image.format)
            .add(image.width)
            .add(image.height)
            .add(image.size)
            .add(upload.updated_at);
        if (!transaction.run("store_version", parameters).empty()) continue;
        rest = model::MadeAhead::Rest::later;
        std::erase_if(upload.variants,
                      [&](const model::Variant& variant) { return variant.image.key == image.key; });
    }
    return rest;
}

Result<model::Upload> publish_held(Transaction& transaction, const model::CallbackComposer& composer,
                                   const Held& held, const model::Publication& publication, Timestamp now) {
    model::Upload upload = held.upload;
    upload.state = model::UploadState::published;
    upload.facts = publication.facts;
    upload.image = publication.image;
    upload.rejection.reset();
    upload.finished_at = now;
    upload.updated_at = now;
    const auto rest = store_ahead(transaction, upload, publication);
    OutboxRows outbox;
    if (const auto callback = compose(composer, model::CallbackType::upload_published, upload, now)) {
        outbox.add(*callback, model::CallbackType::upload_published, upload);
    }
    auto parameters = params(upload.id.str(), now, upload.sequence);
    add_facts(parameters, upload.facts);
    const auto& image = publication.image;
    parameters.add(image.key.str()).add(image.etag.str()).add(image.sha256).add(image.format);
    parameters.add(image.width).add(image.height).add(image.size);
    parameters.add(image.has_alpha ? std::optional<std::string_view>{*image.has_alpha ? "t" : "f"}
                                   : std::nullopt);
    parameters.add(upload.generation);
    parameters.add(publication.bucket.str()).add(publication.crc32).add(image.watermark);
    parameters.add(publication.original_crc32);
    const auto rows = transaction.run("publish_upload", parameters);
    if (rows.empty() && !transaction.run("is_swept", params(image.key.str())).empty())
        return fail(ErrorCode::state_conflict, "the image's object is being swept: put it again");
    expect_one(rows, "publish_upload");
    expect_one(transaction.run("delete_job", params(held.lease.job, held.lease.token)), "delete_job");
    queue_settling(transaction, upload, publication.original);
    if (rest == model::MadeAhead::Rest::later) queue_variants(transaction, upload);
    outbox.insert(transaction, now);
    TimelineRows timeline;
    note_resumed(timeline, held, now);
    timeline.add(
        upload.id, "published",
        {{"key", image.key.str()}, {"sha256", image.sha256}, {"attempt", std::to_string(held.attempt)}});
    timeline.insert(transaction, now);
    return upload;
}

struct Spent {
    std::uint32_t attempt = 0;
    std::uint32_t crashes = 0;
    bool was_the_last = false;
};

Spent spend(const Held& held, model::Postponement::Cost cost, const RecordsOptions& limits) {
    Spent spent{held.attempt, held.crashes, false};
    switch (cost) {
        case model::Postponement::Cost::attempt:
            break;
        case model::Postponement::Cost::decoder_crash:
            ++spent.crashes;
            break;
        case model::Postponement::Cost::timeout:
            return spent;  // whether there is another try is its caller's to say
        case model::Postponement::Cost::free:
            spent.attempt = held.attempt == 0 ? 0 : held.attempt - 1;
            return spent;
    }
    spent.was_the_last =
        held.kind == model::JobKind::process &&
        (spent.attempt >= limits.max_attempts || spent.crashes >= limits.max_decoder_crashes);
    return spent;
}

Result<model::UploadState> postpone_held(Transaction& transaction, DatabaseState& state, const Held& held,
                                         const model::Postponement& why) {
    const auto now = state.clock.now();
    const auto spent = spend(held, why.cost, state.options);
    if (spent.was_the_last) {
        return end_upload(transaction, state.composer, held,
                          {model::UploadState::failed, {why.code, why.detail}, {}, {}}, now)
            .state;
    }
    const bool waits = held.kind == model::JobKind::process && why.cost == model::Postponement::Cost::free;
    const auto since = waits ? std::optional{held.waiting_since.value_or(now)} : std::nullopt;
    auto parameters = params(held.lease.job, held.lease.token, why.delay.count(), spent.attempt,
                             spent.crashes, why.cost == model::Postponement::Cost::timeout);
    expect_one(transaction.run("give_back_job",
                               parameters.add(database::storable_text(why.held_by, 128)).add(since)),
               "give_back_job");
    if (held.subject.kind != kUploadSubject) return held.upload.state;
    const auto code = database::storable_text(why.code, 128);
    // However long it waits for the same, that is one row.
    const bool told =
        waits && held.waiting_since &&
        !transaction.run("is_told_of_waiting", params(held.upload.id.str(), *since, code)).empty();
    TimelineRows timeline;
    if (!waits) note_resumed(timeline, held, now);
    if (!told)
        timeline.add(held.upload.id, "postponed",
                     {{"code", code},
                      {"detail", database::storable_text(why.detail, 2048)},
                      {"job", std::string{to_string(held.kind)}},
                      {"attempt", std::to_string(held.attempt)}});
    timeline.insert(transaction, now);
    if (held.kind != model::JobKind::process) return held.upload.state;
    expect_one(transaction.run("back_to_uploaded", params(held.upload.id.str(), now)), "back_to_uploaded");
    return model::UploadState::uploaded;
}

Result<model::UploadState> repin_held(Transaction& transaction, DatabaseState& state, const Held& held,
                                      const model::PinnedObject& now_there) {
    const auto now = state.clock.now();
    if (held.upload.generation >= kMostGenerations) {
        const model::RejectionFacts why{"overwritten",
                                        "the object was overwritten again and again while it was read"};
        return end_upload(transaction, state.composer, held,
                          {model::UploadState::rejected, why, {}, model::OriginalAction::quarantine}, now)
            .state;
    }
    const auto etag = database::storable_text(now_there.etag.str(), 256);
    std::optional<std::string> version;
    if (now_there.version) version = database::storable_text(now_there.version->str(), 1024);
    expect_one(transaction.run("repin_upload", params(held.upload.id.str(), etag, now_there.size, version,
                                                      now, held.upload.generation)),
               "repin_upload");
    expect_one(transaction.run("repin_job", params(held.lease.job, held.lease.token)), "repin_job");
    TimelineRows timeline;
    timeline.add(held.upload.id, "repinned",
                 {{"was", held.upload.pinned ? held.upload.pinned->etag.str() : ""}, {"is", etag}});
    timeline.insert(transaction, now);
    return model::UploadState::uploaded;
}

}  // namespace

Result<Held> hold(Transaction& transaction, const model::Lease& lease) {
    const auto rows = transaction.run("lock_leased", params(lease.job, lease.token));
    if (rows.empty()) return lease_lost();
    const auto& row = rows[0];
    Held held;
    held.lease = lease;
    held.kind = {row["job_kind"].c_str()};
    held.attempt = row["attempt"].as<std::uint32_t>();
    held.crashes = row["crashes"].as<std::uint32_t>();
    const Columns columns{rows};
    if (!columns.is_null(row, "waiting_since")) held.waiting_since = columns.time(row, "waiting_since");
    held.subject = {row["subject_kind"].c_str(), row["subject_id"].c_str()};
    held.slot = row["job_slot"].c_str();
    if (held.subject.kind != kUploadSubject) return held;
    auto uploads = to_uploads(transaction.run("lock_upload", params(held.subject.id)));
    if (uploads.empty()) return lease_lost();
    held.upload = std::move(uploads.front());
    const bool current = held.upload.generation == row["job_generation"].as<std::uint32_t>();
    if (held.kind == model::JobKind::process &&
        (held.upload.state != model::UploadState::processing || !current))
        return lease_lost();
    return held;
}

Result<Held> hold_processing(Transaction& transaction, const model::Lease& lease) {
    auto held = hold(transaction, lease);
    if (held && held->kind != model::JobKind::process) {
        return fail(ErrorCode::state_conflict, "this lease is for cleaning up, not for a verdict");
    }
    return held;
}

Result<bool> fail_lost_lease(DatabaseState& state, const model::Lease& lease) {
    return transact(state.pool, [&](Transaction& transaction, Earlier) -> Result<bool> {
        auto held = hold_processing(transaction, lease);
        if (!held) return fail(held.error());
        const auto over = transaction.run("lease_is_over", params(lease.job, lease.token));
        if (over.empty() || !over[0][0].as<bool>()) return false;
        const model::RejectionFacts why{
            "lease_lost", "the workers that had it disappeared, the last one at its last attempt"};
        end_upload(transaction, state.composer, *held, {model::UploadState::failed, why, {}, {}},
                   state.clock.now());
        return true;
    });
}

PostgresPublications::PostgresPublications(Database& database) : state_(database.state()) {}

Result<model::Upload> PostgresPublications::publish(const model::Lease& lease,
                                                    const model::Publication& publication) {
    std::optional<UploadId> known;
    auto published =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<model::Upload> {
            auto held = hold_processing(transaction, lease);
            if (!held && earlier == Earlier::in_doubt) {
                auto upload = look_again(transaction, known);
                if (upload && upload->state == model::UploadState::published &&
                    upload->image == publication.image) {
                    upload->variants = publication.ahead.variants;
                    return *upload;
                }
            }
            if (!held) return fail(held.error());
            known = held->upload.id;
            return publish_held(transaction, state_.composer, *held, publication, state_.clock.now());
        });
    if (published) {
        state_.wakeups.signal(Work::jobs);
        state_.wakeups.signal(Work::callbacks);
    } else if (published.error().code == ErrorCode::state_conflict) {
        // Only now: the caller puts the object again after this answer.
        auto forgotten = transact(state_.pool, [&](Transaction& transaction, Earlier) -> Result<> {
            transaction.run("forget_sweep", params(publication.image.key.str()));
            return {};
        });
        if (!forgotten) return fail(std::move(forgotten.error()));
    }
    return published;
}

Result<model::Upload> PostgresPublications::reject(const model::Lease& lease, const model::Refusal& refusal) {
    std::optional<UploadId> known;
    auto rejected =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<model::Upload> {
            auto held = hold_processing(transaction, lease);
            if (!held && earlier == Earlier::in_doubt) {
                auto upload = look_again(transaction, known);
                if (upload && upload->state == model::UploadState::rejected) return *upload;
            }
            if (!held) return fail(held.error());
            known = held->upload.id;
            return end_upload(
                transaction, state_.composer, *held,
                {model::UploadState::rejected, refusal.rejection, refusal.facts, refusal.original},
                state_.clock.now());
        });
    if (rejected) {
        state_.wakeups.signal(Work::jobs);
        state_.wakeups.signal(Work::callbacks);
    }
    return rejected;
}

Result<model::UploadState> PostgresJobQueue::postpone(const model::Lease& lease,
                                                      const model::Postponement& why) {
    std::optional<UploadId> known;
    auto state =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<model::UploadState> {
            auto held = hold(transaction, lease);
            if (!held && earlier == Earlier::in_doubt) {
                const auto upload = look_again(transaction, known);
                if (upload &&
                    (upload->state == model::UploadState::failed || was_given_back(transaction, lease)))
                    return upload->state;
            }
            if (!held) return fail(held.error());
            known = held->upload.id;
            return postpone_held(transaction, state_, *held, why);
        });
    if (state && *state == model::UploadState::failed) state_.wakeups.signal(Work::callbacks);
    return state;
}

Result<model::UploadState> PostgresPublications::repin(const model::Lease& lease,
                                                       const model::PinnedObject& now_there) {
    std::optional<UploadId> known;
    auto state =
        transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<model::UploadState> {
            auto held = hold_processing(transaction, lease);
            if (!held && earlier == Earlier::in_doubt) {
                const auto upload = look_again(transaction, known);
                if (upload &&
                    (upload->state == model::UploadState::rejected || was_given_back(transaction, lease)))
                    return upload->state;
            }
            if (!held) return fail(held.error());
            known = held->upload.id;
            return repin_held(transaction, state_, *held, now_there);
        });
    if (state) state_.wakeups.signal(*state == model::UploadState::uploaded ? Work::jobs : Work::callbacks);
    return state;
}

Result<> PostgresJobQueue::finish_cleanup(const model::Lease& lease,
                                          const std::optional<model::TimelineNote>& note) {
    return transact(state_.pool, [&](Transaction& transaction, Earlier earlier) -> Result<> {
        auto held = hold(transaction, lease);
        // A job's number is never given again: gone after our own COMMIT means done.
        if (!held && earlier == Earlier::in_doubt) return {};
        if (!held) return fail(held.error());
        if (held->kind == model::JobKind::process) {
            return fail(ErrorCode::state_conflict, "this lease is for a verdict, not for cleaning up");
        }
        if (held->kind == model::JobKind::remove_published)
            transaction.run("forget_removed_images", params(held->subject.id));
        expect_one(transaction.run("delete_job", params(lease.job, lease.token)), "delete_job");
        if (note && held->subject.kind == kUploadSubject) {
            TimelineRows timeline;
            timeline.add(held->upload.id, note->event, note->detail);
            timeline.insert(transaction, state_.clock.now());
        }
        return {};
    });
}

}  // namespace photogate::storage::records
