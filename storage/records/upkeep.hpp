// What gateways do periodically, one at a time: looking at the store, orphan collection, retention.
//
// A periodic task is held by a lease on the database's clock. Its cursor and tally are kept with it, so that
// a gateway that takes over a task continues where the one that died was. Losing a task is not an
// error: what it does is safe to do twice, the lease only spares the store.
//
// Errors: those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::records {

/// What a task came across.
struct MaintenanceTally {
    std::uint64_t seen = 0;     ///< rows or objects that were judged
    std::uint64_t removed = 0;  ///< objects removed, or given to a job that removes them
    std::uint64_t unknown = 0;  ///< objects that photogate can not account for
    bool operator==(const MaintenanceTally&) const = default;
};

struct MaintenanceLease {
    std::string name;
    std::string token;
    std::string cursor;  ///< empty: from the beginning
    MaintenanceTally tally;
};

enum class MaintenanceStart {
    when_due,
    at_once,  ///< though it is not due; never while another holds it
};

/// Where a walk through the uploads whose grant has ended stands.
struct PastGrant {
    Timestamp expires_at{};
    std::string id;
};

/// An upload as a sweep of the incoming bucket sees it.
struct UploadAt {
    ObjectKey key;
    UploadId id;
    model::UploadState state = model::UploadState::created;
    bool has_jobs = false;
};

/// A multipart upload that it is time to look at.
struct PartsDue {
    model::Upload upload;
    std::optional<std::string> store_id;  ///< nullopt: not begun, or given up
};

class Upkeep {
  public:
    explicit Upkeep(Database& database);

    // A periodic task, done by one gateway at a time. nullopt: it is not due, or another gateway has it.
    Result<std::optional<MaintenanceLease>> acquire(const std::string& name, std::chrono::seconds lease,
                                                    MaintenanceStart start);
    /// Saves the cursor and the tally. False, as in the next two: another gateway has the task by now.
    Result<bool> checkpoint(const MaintenanceLease& task, std::chrono::seconds lease);
    /// Gives the task back before its end; the next holder begins at the cursor.
    Result<bool> release(const MaintenanceLease& task, std::chrono::milliseconds again_in);
    /// The task has come to its end; the next one begins anew.
    Result<bool> complete(const MaintenanceLease& task, std::chrono::milliseconds again_in);

    /// Created uploads whose grant ended more than `grace` ago, by the grant's end, after the one named.
    Result<std::vector<model::Upload>> past_grant(const PastGrant& after, std::chrono::seconds grace,
                                                  std::size_t limit);
    /// Whether the upload is expired because of this call: its grant ended more than `grace` ago, also now.
    Result<bool> expire(const UploadId& id, std::chrono::seconds grace = std::chrono::seconds{0});
    /// The minute prefixes (`u/202611201234/`) under which objects may still appear. Exact while some ten
    /// thousand uploads are open; beyond that every minute with uploads that `longest_grant` may have left
    /// open.
    Result<std::vector<std::string>> open_minutes(std::chrono::seconds grace,
                                                  std::chrono::seconds longest_grant);

    // Parts of multipart uploads that may be abandoned.
    Result<std::vector<PartsDue>> parts_due(std::size_t limit);
    Result<> look_at_parts_again(const UploadId& id, std::chrono::seconds later);
    /// From now on no URL is signed for this multipart upload, and its row is due once more after `look_again`. False:
    /// it is wanted, because its grant has not been over for `kept`; or another one counts by now.
    Result<bool> give_up_parts(const PartsDue& parts, std::chrono::seconds kept,
                               std::chrono::seconds look_again);
    /// Nothing is left of it at the store; unless another one has been begun.
    Result<> forget_parts(const UploadId& id);

    // Orphan collection. Keys that belong to no upload are not answered.
    Result<std::vector<UploadAt>> uploads_at(const Bucket& bucket, const std::vector<ObjectKey>& keys);
    /// Of these uploads, those that have ended and have nothing left to be done: a job removes what lies in
    /// the incoming bucket. Answers how many.
    Result<std::size_t> queue_left_behind(const std::vector<UploadId>& ids);
    /// When this database was made.
    Result<Timestamp> began_at();
    /// From now on Publications::publish() of these keys is refused. Once transactions_ended(), what
    /// Publications::references() answers of them is final.
    Result<std::string> mark_deleting(const Bucket& bucket, const std::vector<ObjectKey>& keys);
    Result<bool> transactions_ended(const std::string& horizon);
    Result<> unmark_deleting(const Bucket& bucket, const std::vector<ObjectKey>& removed,
                             const std::vector<ObjectKey>& spared);

    /// Once a minute at most, however often it is called: deletes, in bounded bites, what is older than the
    /// retention.
    Result<> forget_old();

  private:
    DatabaseState& state_;
    std::mutex mutex_;
    Timestamp forgot_at_{};
};

}  // namespace photogate::storage::records
