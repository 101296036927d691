// The services that have an interface, over PostgreSQL.
//
// Thread safety: as their interfaces. None outlives its Database. Destroying one that commits in groups
// commits what waits.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/records/arrivals.hpp"
#include "storage/records/database.hpp"
#include "storage/records/job_queue.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upload_store.hpp"
#include "storage/records/variant_store.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::storage::records {

class PostgresUploadStore final : public UploadStore {
  public:
    explicit PostgresUploadStore(Database& database);
    ~PostgresUploadStore() override;

    void create(NewUpload upload, std::function<void(Result<Created>)> done) override;
    Result<std::vector<Result<Created>>> create_batch(const NewBatch& batch) override;
    Result<model::Upload> extend_grant(const AppName& app, const UploadId& id, Timestamp expires_at) override;
    Result<model::Upload> find(const std::optional<AppName>& app, const UploadId& id) override;
    Result<std::vector<model::Upload>> list(const ListQuery& query) override;
    Result<std::vector<TimelineEntry>> timeline(const std::optional<AppName>& app,
                                                const UploadId& id) override;
    Result<std::optional<std::string>> parts_of(const UploadId& id) override;
    Result<> expect_parts(const UploadId& id) override;
    Result<std::string> record_parts(const UploadId& id, const std::string& store_id) override;
    Result<> forget_parts(const UploadId& id, const std::string& store_id) override;
    using UploadStore::cancel_or_delete;
    Result<model::Upload> cancel_or_delete(const std::optional<AppName>& app, const UploadId& id,
                                           Published published) override;
    Result<model::Upload> retry(const std::optional<AppName>& app, const UploadId& id) override;
    Result<std::vector<EndedUpload>> ended_among(const std::vector<UploadId>& ids) override;
    Result<std::vector<MarkedUpload>> marks_of(const std::vector<UploadId>& ids) override;
    Result<UploadSteps> steps(const std::optional<AppName>& app, const UploadId& id,
                              std::int64_t place) override;
    Result<std::vector<model::Upload>> find_all(const std::vector<UploadId>& ids) override;
    Result<bool> has_jobs(const UploadId& id) override;
    Result<> record_kept_etag(const UploadId& id, const ETag& etag) override;

  private:
    struct Creates;
    DatabaseState& state_;
    std::unique_ptr<Creates> creates_;
};

class PostgresArrivals final : public Arrivals {
  public:
    explicit PostgresArrivals(Database& database);
    ~PostgresArrivals() override;

    void observe(Observation seen, std::function<void(Result<ObserveOutcome>)> done) override;
    Result<> quarantine_event(const std::string& source, const std::string& reason,
                              const std::string& body) override;
    Result<std::size_t> queue_finding(const std::vector<ObjectPlace>& places) override;
    Result<std::vector<ObjectKey>> still_waiting(const std::vector<ObjectKey>& keys) override;

  private:
    struct Observations;
    DatabaseState& state_;
    std::unique_ptr<Observations> observations_;
};

class PostgresJobQueue final : public JobQueue {
  public:
    explicit PostgresJobQueue(Database& database);

    Result<std::vector<model::Job>> claim(const ClaimRequest& request) override;
    Result<std::vector<model::Lease>> extend_leases(const std::vector<model::Lease>& leases,
                                                    std::chrono::seconds lease) override;
    Result<> release(const std::vector<model::Lease>& leases) override;
    Result<model::UploadState> postpone(const model::Lease& lease, const model::Postponement& why) override;
    using JobQueue::finish_cleanup;
    Result<> finish_cleanup(const model::Lease& lease,
                            const std::optional<model::TimelineNote>& note) override;
    Result<Reaped> reap() override;
    void wait_for_jobs(std::chrono::milliseconds timeout) override;
    void stop_waiting() override;
    Result<std::size_t> release_held(const HeldJobs& held) override;

  private:
    DatabaseState& state_;
    std::mutex mutex_;
    std::string turn_app_, turn_kind_;  // served last; the next claim begins after it
    // By app and kind: the party served last. As many as there are apps times kinds.
    std::map<std::pair<std::string, std::string>, std::string> turn_parties_;
};

class PostgresPublications final : public Publications {
  public:
    explicit PostgresPublications(Database& database);

    Result<model::Upload> publish(const model::Lease& lease, const model::Publication& publication) override;
    Result<model::Upload> reject(const model::Lease& lease, const model::Refusal& refusal) override;
    Result<model::UploadState> repin(const model::Lease& lease,
                                     const model::PinnedObject& now_there) override;
    Result<std::optional<model::Upload>> find_public(const PublicId& id) override;
    Result<std::vector<ReferredImage>> references(const Bucket& bucket,
                                                  const std::vector<ObjectKey>& keys) override;

  private:
    DatabaseState& state_;
};

class PostgresVersionStore final : public VersionStore {
  public:
    explicit PostgresVersionStore(Database& database);

    Result<std::optional<StoredVersion>> find(const VersionName& name) override;
    Result<std::vector<ReadyVersion>> ready(const UploadId& upload) override;
    using VersionStore::claim;
    Result<VersionClaim> claim(const VersionName& name, std::chrono::milliseconds lease,
                               std::optional<std::uint32_t> most_of_image) override;
    Result<StoredVersion> finish(const VersionName& name, const std::string& token,
                                 const NewVersion& version) override;
    Result<> give_up(const VersionName& name, const std::string& token,
                     const VersionFailure& failure) override;
    Result<> used(const std::vector<VersionName>& names) override;
    Result<std::vector<ObjectKey>> being_removed(const UploadId& upload) override;
    std::vector<std::string> wait_for_news(std::chrono::milliseconds timeout) override;

  private:
    DatabaseState& state_;
};

class PostgresVariantStore final : public VariantStore {
  public:
    explicit PostgresVariantStore(Database& database);

    Result<std::map<VersionName, model::PublishedImage>> find_all(
        const std::vector<VersionName>& names) override;
    Result<model::Upload> order(const std::optional<AppName>& app, const UploadId& id) override;
    Result<> announce(const model::Lease& lease, const std::vector<model::Variant>& variants,
                      Made made) override;

  private:
    DatabaseState& state_;
};

}  // namespace photogate::storage::records
