// The state of a FolderStore, shared by its sources. Private to storage/builtin.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "storage/builtin/bodies.hpp"
#include "storage/builtin/committer.hpp"
#include "storage/builtin/open_objects.hpp"
#include "storage/builtin/rows.hpp"
#include "storage/builtin/sqlite.hpp"
#include "storage/builtin/store.hpp"

namespace photogate::storage::builtin {

/// Connections for reading: one for each concurrent reader, reused.
class ReadPool {
  public:
    explicit ReadPool(std::filesystem::path file) : file_(std::move(file)) {}

    class Lease {
      public:
        Lease(ReadPool& pool, std::unique_ptr<Connection> connection)
            : pool_(pool), connection_(std::move(connection)) {}
        ~Lease() { pool_.give(std::move(connection_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Connection& operator*() { return *connection_; }
        Connection* operator->() { return connection_.get(); }

      private:
        ReadPool& pool_;
        std::unique_ptr<Connection> connection_;
    };
    /// Throws StoreFailure.
    Lease take();

  private:
    void give(std::unique_ptr<Connection> connection);
    const std::filesystem::path file_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

/// Several statements that see one snapshot of the index.
class Snapshot {
  public:
    explicit Snapshot(Connection& index) : index_(index) { index_.run("begin_read"); }
    ~Snapshot();
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

  private:
    Connection& index_;
};

/// Removes files that nothing refers to: after a crash those of unfinished writes, and, while the store runs,
/// those of replaced or removed objects. Aborts abandoned multipart uploads. Rows of `garbage` are deleted once the removal of their files is
/// synced.
class OrphanCollector {
  public:
    OrphanCollector(StoreState& state, std::uint64_t start) : state_(state), start_(start) {}
    ~OrphanCollector() { stop(); }
    void start(std::uint64_t unswept);
    void wake();
    /// Removes what is due, then stops.
    void stop();

  private:
    void work(std::uint64_t unswept);
    void take_garbage();
    void abort_abandoned();
    void forget_taken();
    Result<> sweep_starts(std::uint64_t unswept);

    StoreState& state_;
    const std::uint64_t start_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool woken_ = true;
    bool stopping_ = false;
    std::atomic<bool> swept_{false};
    std::set<std::uint64_t> taken_;
    std::thread thread_;
};

struct StoreState {
    StoreState(FolderOptions with, FolderDependencies dependencies)
        : options(std::move(with)),
          clock(dependencies.clock),
          random(dependencies.random),
          files(dependencies.files != nullptr ? *dependencies.files : system_files()),
          readers(options.folder / "index.sqlite") {}
    ~StoreState();

    /// Throws StoreFailure: store_no_such_bucket.
    std::int64_t bucket_id(Connection& index, const Bucket& bucket);
    /// Throws StoreFailure: store_no_such_bucket. Errors: store_no_such_key.
    Result<ObjectRow> find_row(const Bucket& bucket, const ObjectKey& key);
    static std::optional<ObjectRow> row_in(Connection& index, std::int64_t bucket, const ObjectKey& key);
    /// Errors: body_too_large, above the bucket's limit.
    Result<> check_size(const Bucket& bucket, ByteSize size) const;
    /// Commits; returns `apply`'s refusal or the failure.
    FolderCommitter::Outcome commit(std::function<Result<>(Transaction&)> apply,
                                    std::set<std::filesystem::path> folders = {});
    /// For removals: may use the reserved space.
    FolderCommitter::Outcome commit_removal(std::function<Result<>(Transaction&)> apply);
    /// Discards the bytes of the object at (bucket, key), if any; refused if the condition does not hold.
    Result<> discard_current(Transaction& transaction, std::int64_t bucket, const ObjectKey& key,
                             const WriteCondition& condition);
    void put_row(Transaction& transaction, std::int64_t bucket, const ObjectKey& key, const ObjectRow& row);
    void waste_content(Transaction& transaction, std::uint64_t content, std::uint32_t part_count);
    void announce(const Bucket& bucket, const ObjectKey& key, const StoredObject& object, Creation creation);
    /// Removes a body's file that no row refers to. The removal may be lost with the power until
    /// sync_discarded().
    void discard(std::uint64_t body);
    /// Throws StoreFailure.
    void sync_discarded();
    Result<> load_rules();

    const FolderOptions options;
    const Clock& clock;
    Random& random;
    FolderFiles& files;
    Descriptor lock;
    ReadPool readers;
    OpenObjects open_objects;
    Pins pins;
    std::mutex discarded_mutex;
    std::set<std::filesystem::path> discarded_folders;
    std::mutex rules_mutex;
    std::map<Bucket, std::vector<NotificationRule>> rules;
    /// A commit with unknown result: the next start checks what is there.
    std::atomic<bool> in_doubt{false};
    std::unique_ptr<Connection> index;
    std::unique_ptr<Bodies> bodies;
    /// The committer wakes the collector, and the collector commits: close() stops them in the right order.
    std::unique_ptr<OrphanCollector> collector;
    std::unique_ptr<FolderCommitter> committer;
};

Result<> check_key(const ObjectKey& key);
Error no_such_key();
Error no_such_upload();

}  // namespace photogate::storage::builtin
