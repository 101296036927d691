// The use cases of packages, and who may do what: behind every interface.
//
// A package that the caller may not see does not exist for them (not_found). Client tokens make no packages.
//
// Errors, of every function: those of the records (database.hpp). Thread safety: any thread; blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/packages/package_planner.hpp"
#include "pipeline/packages/package_request.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

class PackageService {
  public:
    struct Dependencies {
        storage::packages::PackageStore& packages;
        const Catalog& catalog;
        VersionChooser choose_version;
        const Clock& clock;
        Random& random;
        PackageLimits limits;
    };

    /// What `dependencies` refers to outlives this.
    explicit PackageService(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Everything about the archive is fixed by this call; where versions have to be made first, what it is to hold. Errors: the
    /// codes of fields, idempotency_key_reused, rate_limited, and those of Planner.
    Result<storage::packages::CreatedPackage> create(const AppName& app, PackageRequest request) const;
    /// `app` nullopt: the operator. Errors: not_found.
    Result<model::Package> find(const std::optional<AppName>& app, const PackageId& id) const;
    Result<std::vector<model::Package>> list(const storage::packages::PackageListQuery& query) const;
    /// Its links are void from now on. Errors: not_found.
    Result<model::Package> remove(const std::optional<AppName>& app, const PackageId& id) const;
    /// Items that are not in the archive, the first `most`.
    Result<std::vector<model::MissingItem>> missing(const PackageId& id, std::size_t most) const;
    /// When a link that is made now ends, `expires_in` seconds from now, and with the package at the latest. Errors: gone, of a
    /// package that is over; invalid_expiry.
    Result<Timestamp> link_end(const model::Package& package, std::optional<std::int64_t> expires_in) const;

  private:
    Result<model::Package> plan(const AppName& app, const PackageRequest& request,
                                std::vector<FieldError>& mistakes) const;

    Dependencies dependencies_;
};

/// Why a package's link does not work: gone, or unavailable while it is not ready. `now` ends it by its time.
Result<> check_usable(const model::Package& package, Timestamp now);

}  // namespace photogate::pipeline::packages
