// The built-in store in this program: the folder opened, its buckets there, its keys known, its S3 listener
// open, with its new objects reported to the gateway. For one machine only; the log says so.
//
// Thread safety: open(), serve() and stop() on one thread.
#pragma once

#include <functional>
#include <memory>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "gateway/config/config.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/s3/keys.hpp"
#include "gateway/s3/service.hpp"
#include "notifier/events/dialect.hpp"
#include "storage/builtin/store.hpp"

namespace photogate::gateway::system {

/// The store's event in the words of every other store's.
notifier::events::EventBatch batch_of(const storage::builtin::ObjectCreated& created);

class BuiltinStore {
  public:
    struct Dependencies {
        const Clock& clock;
        Random& random;
        http::RequestObserver& observer;
        storage::builtin::CreatedListener created;
    };
    /// Errors: store_in_use, file_error, store_full.
    static Result<std::unique_ptr<BuiltinStore>> open(const config::Config& config,
                                                      Dependencies dependencies);
    ~BuiltinStore();
    BuiltinStore(const BuiltinStore&) = delete;
    BuiltinStore& operator=(const BuiltinStore&) = delete;

    /// With the keys that are in force.
    const model::StoreRegion& region() const { return region_; }
    /// For the pipeline, which keeps it and outlives this. Once.
    std::unique_ptr<storage::objects::ObjectStore> objects();

    /// Listens. Errors: cannot_bind.
    Result<> serve(http::ServerOptions options);
    void stop_accepting();
    /// How many connections had to be cut.
    std::size_t drain(std::chrono::milliseconds patience);
    /// Of the folder's file system, for /readyz?verbose. Errors: file_error.
    Result<ByteSize> free_bytes() const { return store_->free_bytes(); }
    /// What is kept of rejected uploads. Errors: file_error.
    Result<storage::builtin::Usage> quarantined() const;
    /// Its threads. After serve().
    const http::WorkPool& pool() const { return *pool_; }

  private:
    BuiltinStore(const config::Config& config, Dependencies dependencies);
    Result<> prepare();

    const config::Config& config_;
    Dependencies dependencies_;
    model::StoreRegion region_;
    s3::StoreKeys keys_;
    std::unique_ptr<storage::builtin::FolderStore> folder_;  ///< until objects() gives it away
    storage::builtin::FolderStore* store_ = nullptr;
    std::unique_ptr<http::WorkPool> pool_;
    std::unique_ptr<s3::Service> service_;
    std::unique_ptr<http::Server> server_;  ///< last: it ends before what it serves
};

/// `photogate_store_quarantined_*`, read at most every `at_most_every`, and the series of its pool. After serve();
/// `store` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const BuiltinStore& store, std::chrono::milliseconds at_most_every);

/// The region's keys where configuration leaves them to the store: those in its folder, if there are any yet.
void fill_in_keys(model::StoreRegion& region, const s3::StoreKeys& keys);

}  // namespace photogate::gateway::system
