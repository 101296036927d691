// The configured regions as stores to work with, and the proof that their credentials are safe.
//
// Thread safety: free functions, called at start-up.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "gateway/config/config.hpp"
#include "pipeline/stores.hpp"
#include "storage/objects/s3_client.hpp"
#include "storage/objects/store_capabilities.hpp"
#include "storage/objects/store_probe.hpp"

namespace photogate::gateway::system {

/// The built-in store from within: null where there is none, or where another process has it; then it is
/// spoken to over HTTP, with the keys in its folder.
struct OwnStore {
    model::StoreRegion region;
    std::unique_ptr<storage::objects::ObjectStore> objects;
};
/// Errors: file_error (the built-in store's keys).
Result<pipeline::Stores> make_stores(const config::Config& config,
                                     const storage::objects::S3Dependencies& dependencies,
                                     std::optional<OwnStore> own = std::nullopt);

struct RegionReport {
    std::string region;
    storage::objects::ProbeReport report;
    std::optional<Error> away = {};  ///< why nothing could be tried; then the report is empty
};

/// Tries every attack on every region, for the profiles of `apps`. Errors: no store at all can be reached.
Result<std::vector<RegionReport>> probe_stores(const config::Config& config, const model::Apps& apps,
                                               const pipeline::Stores& stores,
                                               const storage::objects::S3Dependencies& dependencies);

/// The same of one region. Errors: the store can't be reached.
Result<storage::objects::ProbeReport> probe_store(const config::Config& config, const model::Apps& apps,
                                                  const pipeline::Store& store,
                                                  const storage::objects::S3Dependencies& dependencies);

/// What failed, each on lines of its own with its remedy; empty where nothing did.
std::string failures_of(const std::vector<RegionReport>& reports);

struct RegionCapabilities {
    std::string region;
    std::vector<storage::objects::Capability> capabilities;
    std::optional<Error> away = {};  ///< why nothing could be tried
};

/// Tries what each region's store can do.
Result<std::vector<RegionCapabilities>> probe_capabilities(
    const config::Config& config, const pipeline::Stores& stores,
    const storage::objects::S3Dependencies& dependencies);

}  // namespace photogate::gateway::system
