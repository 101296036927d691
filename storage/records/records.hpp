// The truth: uploads, jobs and the outbox in PostgreSQL.
//
// Every transition of docs/states.md (t1 to t14) is one call here and one transaction there, with its guard
// inside the SQL. What a call says is committed when it returns (or calls back). Nothing is remembered only
// in memory, so any number of gateways may share one database.
//
// Group commit: create(), observe() and record_attempt() take a completion; what arrives while a transaction
// is under way shares the next. Each keeps its own outcome: one that fails is done again alone, so it cannot
// fail its neighbours. Completions run on the committer's thread: they must be quick and must not call back
// into the same Records.
//
// A lost COMMIT is resolved by looking again (idempotency row, lease token, event id), never by assuming.
//
// Errors: database_unavailable (connection lost or refused; try later), database_conflict (40001, 40P01 after
// 3 tries), database_constraint, lease_lost (a worker whose lease token is stale changed nothing),
// upload_not_found, state_conflict. Thread safety: every call from any number of threads. Each call holds a
// connection of the pool for its transaction alone.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/callback.hpp"
#include "model/job.hpp"
#include "model/upload.hpp"
#include "storage/records/callback.hpp"
#include "storage/records/options.hpp"
#include "storage/records/pooler.hpp"
#include "storage/records/rounds.hpp"

namespace photogate::storage::records {

// ---- t1 ----

struct IdempotencyKey {
    std::string key;
    std::string request_sha256;  ///< lower-case hex, of what was asked
};

/// The limits of the client token that asks, as its signature proved them.
struct TokenLimits {
    std::uint64_t uploads = 0;
    std::optional<ByteSize> bytes;  ///< of the declared sizes together
    Timestamp expires_at;
};

struct NewUpload {
    model::Upload upload;  ///< state created; the fields "as found" and "as it ended" empty
    std::optional<IdempotencyKey> idempotency;
    std::optional<TokenLimits> token;  ///< where upload.client_token is there
};

struct Created {
    enum class How { created, replayed };
    How how = How::created;
    /// As stored; for a replay, the first one's, as it is now.
    model::Upload upload;
};

// ---- t2 ----

enum class Finder { event, complete_call, reconciler };
std::string_view to_string(Finder finder);

/// An object that somebody saw in the store.
struct Observation {
    Finder finder = Finder::event;
    std::string source;                   ///< the event source's name; empty but for events
    std::optional<std::string> event_id;  ///< lower-case hex SHA-256 of the dedupe tuple; required for events
    Bucket bucket;
    ObjectKey key;
    model::PinnedObject object;
    model::TextMap client_metadata;
    Timestamp occurred_at;
};

enum class ObserveOutcome {
    received,       ///< created or expired became uploaded; a job and `upload.received` were written with it
    duplicate,      ///< this event was taken in before
    already_known,  ///< the upload has its object; the same or a later writer's
    unknown,        ///< no upload has this key
};

// ---- jobs ----

struct ClaimRequest {
    std::string worker;  ///< for the timeline
    std::size_t most = 1;
    std::chrono::seconds lease{60};
};

struct Reaped {
    std::size_t requeued = 0;
    std::size_t failed = 0;
};

// ---- reading ----

struct ListQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<model::UploadState> state;
    std::optional<ProfileName> profile;
    std::optional<Timestamp> created_after;
    model::TextMap metadata;         ///< each must be so
    std::optional<UploadId> before;  ///< the cursor: only older than this
    std::size_t limit = 50;          ///< 1 to 200
};

struct TimelineEntry {
    Timestamp at;
    std::string event;        ///< `created`, `received`, `claimed`, `published`, `callback.delivered`, …
    std::string detail_json;  ///< a JSON object
};

/// For /readyz and /metrics; cheap.
struct Backlog {
    std::size_t jobs_ready = 0;
    std::size_t jobs_leased = 0;
    std::chrono::milliseconds oldest_ready{};
    std::size_t callbacks_waiting = 0;
    std::size_t callbacks_dead = 0;
    EndpointCounts endpoints;
    std::chrono::milliseconds oldest_callback{};
};

/// How the house stands, for those who watch it; one bounded statement. Counts end at 100,000.
struct PipelineState {
    std::size_t awaited = 0;                        ///< uploads without an object yet
    std::chrono::milliseconds oldest_past_grant{};  ///< of these, the one whose grant ended first; 0: none
    std::size_t leases_over = 0;                    ///< that no reaper has taken back yet
    std::size_t unknown_incoming = 0;               ///< objects, as the last sweeps found them
    std::size_t unknown_public = 0;
    std::chrono::milliseconds oldest_sweep{};    ///< since the bucket swept longest ago was
    std::chrono::milliseconds oldest_listing{};  ///< since the open minutes were listed
    std::size_t dead_jobs = 0;                   ///< row versions that wait for vacuum
    std::size_t dead_callbacks = 0;
    std::chrono::milliseconds oldest_snapshot{};  ///< which keeps vacuum from its work
    std::chrono::microseconds database_ahead{};   ///< of this machine's clock; negative: behind
};

/// The two kinds of waiting that a wake-up ends early.
enum class Work { jobs, callbacks };

struct RecordsState;

class Records {
  public:
    /// Connects, checks the schema's version (refuses one that is ahead or behind, naming `photogate
    /// migrate`), and starts the committers. `composer`, `clock` and `random` outlive the Records.
    static Result<std::unique_ptr<Records>> open(RecordsOptions options,
                                                 const model::CallbackComposer& composer, const Clock& clock,
                                                 Random& random);
    ~Records();
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;

    // t1, in groups. What a client token has left is counted in the same transaction.
    // Errors: idempotency_key_reused, token_exhausted, overloaded.
    void create(NewUpload upload, std::function<void(Result<Created>)> done);
    /// Moves the grant's end, for a fresh URL (state created or expired; expired goes back to created).
    Result<model::Upload> extend_grant(const AppName& app, const UploadId& id, Timestamp expires_at);

    // t2, in groups.
    void observe(Observation seen, std::function<void(Result<ObserveOutcome>)> done);
    /// An authenticated event body that says nothing we understand: kept (its first 64 KiB), so it can be
    /// answered 2xx.
    Result<> quarantine_event(const std::string& source, const std::string& reason, const std::string& body);

    // t3 to t10. A stale lease changes nothing and answers lease_lost.
    Result<std::vector<model::Job>> claim(const ClaimRequest& request);
    /// Gives back the leases that are no longer ours.
    Result<std::vector<model::Lease>> extend_leases(const std::vector<model::Lease>& leases,
                                                    std::chrono::seconds lease);
    /// state_conflict: the image's object is being swept, or was; put it again, some seconds later.
    Result<model::Upload> publish(const model::Lease& lease, const model::Publication& publication);
    Result<model::Upload> reject(const model::Lease& lease, const model::Refusal& refusal);
    Result<model::UploadState> postpone(const model::Lease& lease, const model::Postponement& why);
    /// The object is another than pinned (412) and nothing was published: pin the new one. After the third
    /// generation the upload is rejected as `overwritten`.
    Result<model::UploadState> repin(const model::Lease& lease, const model::PinnedObject& now_there);
    /// A settle_original or remove_published job is done.
    Result<> finish_cleanup(const model::Lease& lease);
    /// At shutdown: as if never claimed.
    Result<> release(const std::vector<model::Lease>& leases);
    /// Leases that ran out: back to uploaded, or failed after the last attempt. Once a minute it also
    /// forgets, in bounded bites, what is older than the retention.
    Result<Reaped> reap();

    // t9 and the reconciler.
    /// Created uploads whose grant ended more than `grace` ago, by the grant's end, after the one named.
    Result<std::vector<model::Upload>> past_grant(const PastGrant& after, std::chrono::seconds grace,
                                                  std::size_t limit);
    Result<bool> expire(const UploadId& id);
    /// The minute prefixes (`u/202611201234/`) under which objects may still appear. Exact while some ten
    /// thousand uploads are open; beyond that every minute with uploads that `longest_grant` may have left
    /// open.
    Result<std::vector<std::string>> open_minutes(std::chrono::seconds grace,
                                                  std::chrono::seconds longest_grant);
    /// Of these keys, those whose upload still waits for its object (created or expired).
    Result<std::vector<ObjectKey>> still_waiting(const std::vector<ObjectKey>& keys);

    // Rounds (rounds.hpp). nullopt: it is not due, or somebody else is at it.
    Result<std::optional<Round>> begin_round(const std::string& name, std::chrono::seconds lease,
                                             RoundStart start);
    /// Saves the cursor and the tally. False, as in the next two: somebody else has the round by now.
    Result<bool> keep_round(const Round& round, std::chrono::seconds lease);
    /// Lets go of it; the next one begins at the cursor.
    Result<bool> pause_round(const Round& round, std::chrono::milliseconds again_in);
    /// It came to its end; the next one begins anew.
    Result<bool> end_round(const Round& round, std::chrono::milliseconds again_in);

    // The sweeper. Keys that are nobody's do not come back.
    Result<std::vector<UploadAt>> uploads_at(const Bucket& bucket, const std::vector<ObjectKey>& keys);
    /// Of these uploads, those that have ended and have nothing left to be done: a job removes what lies in
    /// the incoming bucket. Answers how many.
    Result<std::size_t> queue_left_behind(const std::vector<UploadId>& ids);
    /// When this database was made.
    Result<Timestamp> began_at();
    Result<std::vector<ReferredImage>> images_referred_to(const std::vector<PublicName>& names);
    /// From now on publish() of these keys is refused. Once transactions_ended(), what
    /// images_referred_to() answers of them is final.
    Result<std::string> open_sweeps(const Bucket& bucket, const std::vector<ObjectKey>& keys);
    Result<bool> transactions_ended(const std::string& horizon);
    Result<> close_sweeps(const Bucket& bucket, const std::vector<ObjectKey>& removed,
                          const std::vector<ObjectKey>& spared);

    // t11 to t13. `app` nullopt: the operator.
    /// Cancels what has no object yet or is not yet processed; erases what is final. state_conflict while
    /// processing.
    Result<model::Upload> cancel_or_delete(const std::optional<AppName>& app, const UploadId& id);
    Result<model::Upload> retry(const std::optional<AppName>& app, const UploadId& id);
    /// Whether anything is still to be done for it. After a deletion: whether its objects may still be there.
    Result<bool> has_jobs(const UploadId& id);

    // Reading.
    Result<model::Upload> find(const std::optional<AppName>& app, const UploadId& id);
    Result<std::optional<model::Upload>> find_public(const PublicId& id);
    Result<std::vector<model::Upload>> list(const ListQuery& query);
    Result<std::vector<TimelineEntry>> timeline(const std::optional<AppName>& app, const UploadId& id);
    Result<Backlog> backlog();
    Result<PipelineState> pipeline_state();
    /// A trivial round trip, for /readyz.
    Result<> ping();

    // The outbox.
    /// Due callbacks, oldest first, at most `per_url` for one URL. A paused URL is passed over, and one whose
    /// breaker is open; one that comes back has less than its share.
    Result<std::vector<model::Callback>> claim_callbacks(std::size_t most, std::size_t per_url,
                                                         std::chrono::seconds lease);
    /// In groups. Failures in a row open the URL's breaker, a success closes it, for all gateways.
    void record_attempt(model::CallbackAttempt attempt, std::function<void(Result<>)> done);
    Result<std::vector<CallbackDetails>> callbacks(const CallbackQuery& query);
    /// Errors: callback_not_found. As do the next two where the app is another.
    Result<CallbackDetails> callback(const std::optional<AppName>& app, const CallbackId& id);
    /// Due at once, with the same id and bytes, and its attempts begin anew; resumes its URL. Errors:
    /// state_conflict where its body was erased, or it never had a URL. `app` nullopt: the operator.
    Result<> replay(const std::optional<AppName>& app, const CallbackId& id);
    Result<Replayed> replay(const ReplayRange& range);

    Result<std::vector<model::CallbackEndpoint>> endpoints(const EndpointQuery& query);
    /// Errors: callback_not_found where nothing of the app's (or, for the operator, of anybody's) waits for
    /// `url` and it is not `own_url`.
    Result<> pause_endpoint(const EndpointQuery& whose, const std::string& url);
    /// Ends a pause, and lets an open breaker try at once. What waited is due now: how many.
    Result<std::size_t> resume_endpoint(const EndpointQuery& whose, const std::string& url);

    /// An app's callbacks in the order they became true, whether and wherever they were sent. What is
    /// answered is final: nothing appears before it later. Errors: invalid_cursor where retention has removed
    /// what follows.
    Result<FeedPage> feed(const AppName& app, const std::optional<FeedCursor>& after, std::size_t limit);

    /// Blocks until there may be work of that kind, or the time is over, or stop_waiting() was called. Wakes
    /// come from this process at once and from other gateways by a debounced NOTIFY outside the writes.
    void wait_for_work(Work kind, std::chrono::milliseconds timeout);
    void stop_waiting();

  private:
    explicit Records(std::unique_ptr<RecordsState> state);
    std::unique_ptr<RecordsState> state_;
};

/// Numbered, forward-only migrations under an advisory lock, each in its own transaction.
struct Migration {
    int version = 0;
    std::string name;
};
/// Applies what is missing and says what it did; with `dry_run`, what it would do.
enum class MigrateMode { apply, dry_run };
Result<std::vector<Migration>> migrate(const std::string& database_url, MigrateMode mode,
                                       Pooler pooler = Pooler::none);

}  // namespace photogate::storage::records
