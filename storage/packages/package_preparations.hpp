// Packages whose versions have to be made first: what a job `prepare_package` reads and writes.
//
// What was asked for was fixed when the package was made (PackageStore::create()). The job makes what lacks and records each item;
// once none is left, plan() lays the archive out in one transaction, as create() would have. Each write is held to the job's
// lease, so that a worker whose lease is over changes nothing any more.
//
// A deletion of an upload that is to be in it ends the package in its own transaction (owner.sql), as long as the item was not given
// up before; the job then tells its app (end()).
//
// Errors: lease_lost, and those of database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"
#include "model/package.hpp"
#include "storage/packages/package_store.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::packages {

struct Preparation {
    model::Package package;
    PackageRecipe recipe;
};

struct UnpreparedItem {
    std::int64_t place = 0;
    std::uint32_t attempts = 0;         ///< that were counted
    std::optional<FoundUpload> upload;  ///< without metadata and version
};

/// What became of an item.
struct PreparedItem {
    std::int64_t place = 0;
    enum class Is {
        done,       ///< nothing has to be made for it
        given_up,   ///< it is not in the archive; `code` says why
        attempted,  ///< it is still to be made, and the attempt counts
    } is = Is::done;
    std::string code = {};
};

class PackagePreparations {
  public:
    virtual ~PackagePreparations() = default;

    /// nullopt: it is not being prepared (any more).
    virtual Result<std::optional<Preparation>> find(const PackageId& id) = 0;
    /// The next `limit` behind that place, in order; -1: from the first on.
    virtual Result<std::vector<UnpreparedItem>> unprepared(const model::Package& package, std::int64_t behind,
                                                           std::size_t limit) = 0;
    /// False: it is not wanted any more.
    virtual Result<bool> record(const model::Lease& lease, const PackageId& id,
                                std::span<const PreparedItem> items) = 0;
    /// The package is `ready`, or `queued` to be built: the job's end. nullopt: versions that were there have gone, and all items are
    /// to be looked at again. Errors besides: gone (it is not wanted any more), and the planner's.
    virtual Result<std::optional<model::Package>> plan(const model::Lease& lease,
                                                       const Preparation& preparation,
                                                       PackagePlanner& planner) = 0;
    /// The package is `failed`, and its missing items are those that were given up: the job's end.
    virtual Result<> fail(const model::Lease& lease, const PackageId& id, std::string_view why) = 0;
    /// Of one that find() does not find: its app is told that it has failed, unless it was, and the job ends. A package whose time is
    /// over before its versions were made has failed (`unavailable`).
    virtual Result<> end(const model::Lease& lease, const PackageId& id) = 0;
};

class PostgresPackagePreparations final : public PackagePreparations {
  public:
    explicit PostgresPackagePreparations(records::Database& database);

    Result<std::optional<Preparation>> find(const PackageId& id) override;
    Result<std::vector<UnpreparedItem>> unprepared(const model::Package& package, std::int64_t behind,
                                                   std::size_t limit) override;
    Result<bool> record(const model::Lease& lease, const PackageId& id,
                        std::span<const PreparedItem> items) override;
    Result<std::optional<model::Package>> plan(const model::Lease& lease, const Preparation& preparation,
                                               PackagePlanner& planner) override;
    Result<> fail(const model::Lease& lease, const PackageId& id, std::string_view why) override;
    Result<> end(const model::Lease& lease, const PackageId& id) override;

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::packages
