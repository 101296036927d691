// Packages that are built into the store: what a job `build_package` reads and writes.
//
// The row names the object before anything of it is in the store, and until all of it is removed. Each write is held to
// the job's lease, so that a worker whose lease is over changes nothing any more. The app is told of a package's end once,
// `package.ready` or `package.failed`, in the transaction that ends it; of one that a deletion ended, by its job.
//
// Errors: lease_lost, and those of storage/records/database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"
#include "model/package.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::packages {

using model::PackageObject;

struct PackageBuild {
    model::Package package;  ///< without metadata
    enum class Wanted {
        build,   ///< queued or building, and not over
        keep,    ///< ready, and not over
        remove,  ///< deleted, failed or expired
    } wanted = Wanted::remove;
    std::optional<std::string> multipart;  ///< the unfinished upload of it
};

class PackageBuilds {
  public:
    explicit PackageBuilds(records::Database& database);

    /// nullopt: the package is forgotten.
    Result<std::optional<PackageBuild>> find(const PackageId& id);
    /// From now on the package is `building`, and its object is this one unless it was named before. False: it is not wanted
    /// any more. So for the next three.
    Result<bool> begin(const model::Lease& lease, const PackageId& id, const PackageObject& object);
    Result<bool> multipart_begun(const model::Lease& lease, const PackageId& id,
                                 const std::string& multipart);
    /// A part that is in the store: numbers that its sender wants to have again, five of each fragment.
    struct Part {
        std::uint32_t number = 0;
        std::vector<std::int64_t> fragments;
    };
    struct Progress {
        model::PackageStep step = model::PackageStep::waiting;
        ByteSize bytes = 0;  ///< of the archive that are in the store
        ByteSize bytes_per_second = 0;
        std::string multipart = {};
        std::vector<Part> parts = {};  ///< of it, that were not noted yet
    };
    /// Those that progress() was told of.
    Result<std::vector<Part>> parts(const PackageId& id, const std::string& multipart);
    Result<bool> progress(const model::Lease& lease, const PackageId& id, const Progress& progress);
    /// Its object is there: `ready`, and the job's end. False as well where it was done before.
    Result<bool> finish(const model::Lease& lease, const PackageId& id);
    struct Failure {
        ErrorCode why;
        std::vector<model::FailedItem> items;  ///< position and code of those that could not be read
    };
    /// The items of a failure that are kept and told.
    static constexpr std::size_t kMostFailures = 100;
    /// It can't be built. The job goes on, to remove what there is of it.
    Result<> fail(const model::Lease& lease, const PackageId& id, const Failure& failure);
    /// Its app is told that it has failed, unless it was.
    Result<> tell_failed(const model::Lease& lease, const PackageId& id);
    /// Of these keys of the bucket, those that are some package's object; with the id of its unfinished upload, or nothing.
    Result<std::map<ObjectKey, std::string>> named_among(const Bucket& bucket,
                                                         const std::vector<ObjectKey>& keys);
    /// Nothing of it is in the store any more: the job's end.
    Result<> removed(const model::Lease& lease, const PackageId& id);

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::packages
