// Collects orphaned objects: lists the incoming and the public bucket, and the packages, completely once a day and removes what no row refers to.
//
// The incoming bucket: an object whose upload waits is received (its event and every look were lost), one
// whose upload was cancelled or deleted is removed by a job, and so is one that came once more after its
// upload had ended. An object without an upload is counted and left: after the database was restored from a
// backup it may be the only copy of a picture. The original of a failed upload stays for a retry.
//
// The public bucket: an image that no row refers to (a worker died between its PUT and its commit, or came
// second) is removed once it is a day old, unless it is older than the database or one of too many: then the
// records may be the wrong ones, and all of it counts as unknown. What is removed is exactly what was judged:
// the row's guard (Upkeep::mark_deleting), then a HEAD that must still show the listed ETag, then DELETE. An
// object under a name that photogate does not make, or with other bytes than its row tells, is unknown:
// counted and logged but never touched: an operator must find out where it comes from.
//
// The packages in the originals bucket: an object whose package's row does not name it any more, because a worker that had lost
// its lease completed it after its removal, is removed once it is a day old, under the same guards; and so is an unfinished
// multipart upload of a package that no row names, where the store lists them (MinIO lists those of one key alone, which whoever
// builds or removes the package asks for).
//
// Page by page, at a bounded rate, by one gateway at a time; killed, another goes on at the same page. A dry
// run changes nothing, not even the round.
//
// Thread safety: run() on one thread; stop() and counters() from any; sweep_now() on its own object.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/run_mode.hpp"
#include "base/time.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/stores.hpp"
#include "storage/records/arrivals.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::pipeline {

/// An object that the store dates so much before its upload or package may still be that one's.
inline constexpr std::chrono::hours kClocksMayDiffer{1};

struct OrphanCollectorOptions {
    std::chrono::milliseconds every{std::chrono::hours{24}};
    std::chrono::milliseconds ask_every{std::chrono::minutes{1}};  ///< whether it is due
    std::chrono::milliseconds again_after_failure{std::chrono::minutes{10}};
    std::chrono::seconds min_age{std::chrono::hours{24}};  ///< younger objects may belong to work in progress
    /// Longer than a page of orphans takes at that rate.
    std::chrono::seconds lease{30};
    std::uint32_t requests_per_second = 50;
    std::uint32_t page = 250;
};

enum class SweepFinding {
    lost,          ///< its upload waits for it
    unwanted,      ///< its upload was cancelled or deleted
    left_behind,   ///< its upload has ended and needs it no more
    unreferenced,  ///< a public image of no row
    unknown,       ///< photogate can't account for it
};
std::string_view to_string(SweepFinding finding);

struct Swept {
    SweepFinding finding = SweepFinding::unknown;
    Bucket bucket;
    storage::objects::ListedObject object;
};
/// Told of each finding before anything is done about it.
using SweepObserver = std::function<void(const Swept&)>;

/// What the records name of packages: each object's key, and the id of its unfinished multipart upload, or nothing.
using NamedPackages = std::map<ObjectKey, std::string>;

/// All of them outlive the sweeper.
struct OrphanCollectorDependencies {
    storage::records::Upkeep& upkeep;
    storage::records::Arrivals& arrivals;
    storage::records::Publications& publications;
    const Stores& stores;
    const Clock& clock;
    /// Of these keys of this bucket, those that packages' rows name.
    std::function<Result<NamedPackages>(const Bucket&, const std::vector<ObjectKey>&)> named_packages;
};

class OrphanCollector {
  public:
    OrphanCollector(OrphanCollectorOptions options, OrphanCollectorDependencies dependencies);

    void run();
    void stop();

    /// Both buckets of every region, now. `apply` passes over a bucket that another gateway is at. Errors:
    /// the first of any region; the others were swept all the same.
    Result<storage::records::MaintenanceTally> sweep_now(RunMode mode, const SweepObserver& observer = {});

    struct Counters {
        std::uint64_t lost = 0;
        std::uint64_t left_behind = 0;   ///< given to jobs that remove them; with those unwanted
        std::uint64_t unreferenced = 0;  ///< removed
        std::uint64_t failures = 0;      ///< rounds that could not be finished
    };
    Counters counters() const;

  private:
    /// One bucket's sweep.
    struct BucketPass {
        const Store& store;
        enum class Kind { incoming, published, packages } kind = Kind::incoming;
        RunMode mode = RunMode::apply;
        const SweepObserver& observer;

        const Bucket& bucket() const;
        std::string_view prefix() const;
        std::string round() const;
    };
    using Page = std::vector<storage::objects::ListedObject>;

    Result<storage::records::MaintenanceTally> sweep_all(storage::records::MaintenanceStart start,
                                                         RunMode mode, const SweepObserver& observer);
    Result<storage::records::MaintenanceTally> sweep_bucket(const BucketPass& pass,
                                                            storage::records::MaintenanceStart start);
    Result<bool> sweep_page(const BucketPass& pass, storage::records::MaintenanceLease& round);
    Result<std::vector<Swept>> judge_incoming(const Store& store, const Page& page) const;
    Result<std::vector<Swept>> judge_published(const Store& store, const Page& page);
    Result<std::vector<Swept>> judge_packages(const Store& store, const Page& page) const;
    Result<std::size_t> remove_packages(const Store& store, const Page& objects);
    Result<> abort_unnamed_packages(const BucketPass& pass, storage::records::MaintenanceTally& tally);
    Result<bool> has_bytes_of(const Store& store, const storage::records::ReferredImage& image);
    Result<std::vector<Swept>> judge(const BucketPass& pass, const Page& page);
    Result<> act(const BucketPass& pass, const std::vector<Swept>& found,
                 storage::records::MaintenanceTally& tally);
    Result<std::size_t> remove_unreferenced(const Store& store, const Page& objects);
    Result<bool> await_transactions(const std::string& horizon);
    Result<bool> remove_as_judged(const Store& store, const Bucket& bucket,
                                  const storage::objects::ListedObject& object);
    bool is_old(const storage::objects::ListedObject& object) const;
    void count(std::uint64_t Counters::*counter, std::uint64_t by);

    OrphanCollectorOptions options_;
    OrphanCollectorDependencies dependencies_;
    StopSignal stop_;
    Pace pace_;
    mutable std::mutex mutex_;
    Counters counters_;
};

}  // namespace photogate::pipeline
