// The records in memory, for tests of what uses them: values under the same guards as PostgreSQL's.
//
// A lease is fenced by its token, a transition is refused where the state's table refuses it, a job is there
// once for each upload, generation and kind, an event is taken in once, a key that is being deleted can't be
// published. tests/support/records_contract.cpp holds the guards of both to the same tests. Left out: texts
// made storable, group commit, callbacks but for their types, lists by anything but app and state.
//
// Completions are called before the call returns. Thread safety: every call from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/callback.hpp"
#include "storage/records/arrivals.hpp"
#include "storage/records/job_queue.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::test {

class FakeRecords final : public storage::records::UploadStore,
                          public storage::records::Arrivals,
                          public storage::records::JobQueue,
                          public storage::records::Publications {
  public:
    explicit FakeRecords(const Clock& clock, std::uint32_t max_attempts = 5,
                         std::uint32_t max_decoder_crashes = 3)
        : clock_(clock), max_attempts_(max_attempts), max_crashes_(max_decoder_crashes) {}

    // UploadStore
    void create(storage::records::NewUpload upload,
                std::function<void(Result<storage::records::Created>)> done) override;
    Result<std::vector<Result<storage::records::Created>>> create_batch(
        const storage::records::NewBatch& batch) override;
    Result<model::Upload> extend_grant(const AppName& app, const UploadId& id, Timestamp expires_at) override;
    Result<model::Upload> find(const std::optional<AppName>& app, const UploadId& id) override;
    Result<std::vector<model::Upload>> list(const storage::records::ListQuery& query) override;
    Result<std::vector<storage::records::TimelineEntry>> timeline(const std::optional<AppName>& app,
                                                                  const UploadId& id) override;
    Result<std::optional<std::string>> parts_of(const UploadId& id) override;
    Result<> expect_parts(const UploadId& id) override;
    Result<std::string> record_parts(const UploadId& id, const std::string& store_id) override;
    Result<> forget_parts(const UploadId& id, const std::string& store_id) override;
    using UploadStore::cancel_or_delete;
    Result<model::Upload> cancel_or_delete(const std::optional<AppName>& app, const UploadId& id,
                                           storage::records::Published published) override;
    Result<model::Upload> retry(const std::optional<AppName>& app, const UploadId& id) override;
    Result<std::vector<storage::records::EndedUpload>> ended_among(const std::vector<UploadId>& ids) override;
    Result<std::vector<storage::records::MarkedUpload>> marks_of(const std::vector<UploadId>& ids) override;
    /// The creation, and the state that it is in now.
    Result<storage::records::UploadSteps> steps(const std::optional<AppName>& app, const UploadId& id,
                                                std::int64_t place) override;
    Result<std::vector<model::Upload>> find_all(const std::vector<UploadId>& ids) override;
    Result<bool> has_jobs(const UploadId& id) override;
    Result<> record_kept_etag(const UploadId& id, const ETag& etag) override;

    // Arrivals
    void observe(storage::records::Observation seen,
                 std::function<void(Result<storage::records::ObserveOutcome>)> done) override;
    Result<> quarantine_event(const std::string& source, const std::string& reason,
                              const std::string& body) override;
    Result<std::size_t> queue_finding(const std::vector<storage::records::ObjectPlace>& places) override;
    Result<std::vector<ObjectKey>> still_waiting(const std::vector<ObjectKey>& keys) override;

    // JobQueue
    Result<std::vector<model::Job>> claim(const storage::records::ClaimRequest& request) override;
    Result<std::vector<model::Lease>> extend_leases(const std::vector<model::Lease>& leases,
                                                    std::chrono::seconds lease) override;
    Result<> release(const std::vector<model::Lease>& leases) override;
    Result<model::UploadState> postpone(const model::Lease& lease, const model::Postponement& why) override;
    Result<std::size_t> release_held(const storage::records::HeldJobs& held) override;
    using JobQueue::finish_cleanup;
    Result<> finish_cleanup(const model::Lease& lease,
                            const std::optional<model::TimelineNote>& note) override;
    Result<storage::records::Reaped> reap() override;
    void wait_for_jobs(std::chrono::milliseconds timeout) override;
    void stop_waiting() override;

    // Publications
    Result<model::Upload> publish(const model::Lease& lease, const model::Publication& publication) override;
    Result<model::Upload> reject(const model::Lease& lease, const model::Refusal& refusal) override;
    Result<model::UploadState> repin(const model::Lease& lease,
                                     const model::PinnedObject& now_there) override;
    Result<std::optional<model::Upload>> find_public(const PublicId& id) override;
    Result<std::vector<storage::records::ReferredImage>> references(
        const Bucket& bucket, const std::vector<ObjectKey>& keys) override;

    // What a test arranges and looks at.

    /// Called at the beginning of each call with its name; an error is the call's answer, and changes
    /// nothing. It may change the records through the functions below, as another gateway would in between.
    std::function<std::optional<Error>(std::string_view call)> before;
    /// In place of wait_for_jobs()'s short pause.
    std::function<void(std::chrono::milliseconds)> on_wait;
    /// Every lease runs out now; reap() takes them back.
    void expire_leases();
    /// Jobs are due whatever their delay.
    void all_due();
    /// The orphan collector has marked this key; `removed`: it has also removed the object.
    void mark_deleting(const ObjectKey& key);
    /// Of any kind; ready now.
    void add_job(const UploadId& id, const model::JobKind& kind, const std::string& detail = {});
    /// As configuration would have it after a restart.
    void change(const UploadId& id, const std::function<void(model::Upload&)>& how);

    struct JobRow {
        std::int64_t id = 0;
        UploadId upload;
        std::uint32_t generation = 0;
        model::JobKind kind = model::JobKind::process;
        std::string detail;
        std::string slot;
        std::uint32_t attempt = 0;
        std::uint32_t crashes = 0;
        Timestamp run_at;
        std::string lease_token;
        Timestamp lease_until;
        bool ran_out_of_time = false;
        std::vector<std::string> waits_for;  ///< the codes that the timeline has of it
        std::string held_by;
    };
    std::vector<JobRow> jobs_of(const UploadId& id) const;
    std::optional<ETag> kept_etag_of(const UploadId& id) const;
    /// As it was published last.
    std::optional<model::Publication> published_as(const UploadId& id) const;
    std::vector<model::CallbackType> callbacks_of(const UploadId& id) const;
    std::vector<std::string> quarantined() const;
    std::size_t calls(std::string_view call) const;

  private:
    struct Row {
        model::Upload upload;
        std::vector<storage::records::TimelineEntry> timeline;
        std::vector<model::CallbackType> callbacks;
        std::optional<model::Publication> publication;
        std::optional<ETag> kept_etag;
    };
    struct Held {
        JobRow* job = nullptr;
        Row* row = nullptr;
    };

    std::optional<Error> begin(std::string_view call);
    Row* row_of(const std::optional<AppName>& app, const UploadId& id);
    Result<Held> hold(const model::Lease& lease);
    Result<Held> hold_processing(const model::Lease& lease);
    void end(Held held, model::UploadState state, model::RejectionFacts why,
             std::optional<model::OriginalAction> original);
    void tell(Row& row, model::CallbackType type);
    void note(Row& row, std::string_view event);
    void queue(const model::Upload& upload, const model::JobKind& kind, const std::string& detail);
    void queue_erasing(const model::Upload& upload, const model::JobKind& kind, const std::string& detail);
    void queue_late(const model::Upload& upload);
    void forget_job(std::int64_t id);
    storage::records::Created replay(model::Upload& first, Timestamp ends);

    const Clock& clock_;
    const std::uint32_t max_attempts_, max_crashes_;
    mutable std::recursive_mutex mutex_;
    std::map<UploadId, Row> rows_;
    std::vector<JobRow> jobs_;
    std::map<std::pair<std::string, std::string>, std::pair<std::string, UploadId>> idempotency_;
    std::map<std::string, std::uint64_t> tokens_;
    std::map<UploadId, std::string> parts_;  ///< the store's multipart uploads
    /// Of a batch's key: the request, and the uploads by place.
    std::map<std::pair<std::string, std::string>, std::pair<std::string, std::map<std::size_t, UploadId>>>
        batches_;
    std::set<std::string> events_;
    std::set<ObjectKey> deleting_;
    std::vector<std::string> quarantined_;
    std::map<std::string, std::size_t, std::less<>> calls_;
    std::int64_t last_job_ = 0;
    std::uint64_t last_token_ = 0;
    bool stopped_ = false;
};

}  // namespace photogate::test
