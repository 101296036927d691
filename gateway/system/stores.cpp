#include "gateway/system/stores.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "gateway/system/builtin_store.hpp"
#include "model/object_layout.hpp"

namespace photogate::gateway::system {

using storage::objects::S3Client;
using storage::objects::S3Dependencies;
using storage::objects::S3Options;

Result<pipeline::Stores> make_stores(const config::Config& config, const S3Dependencies& parts,
                                     std::optional<OwnStore> own) {
    std::map<std::string, pipeline::Store> stores;
    for (const auto& [name, configured] : config.regions) {
        model::StoreRegion region = configured;
        std::unique_ptr<storage::objects::ObjectStore> objects;
        if (name == config.store.region) {
            if (own) {
                region = std::move(own->region);
                objects = std::move(own->objects);
            } else {
                const auto keys = s3::load_keys(config.store.folder);
                if (!keys) return fail(keys.error());
                if (*keys) fill_in_keys(region, **keys);
            }
        }
        if (!objects) {
            S3Options options;
            options.endpoint = region.internal;
            options.style = region.style;
            options.credentials = region.worker;
            options.region = region.signing_region;
            objects = std::make_unique<S3Client>(std::move(options), parts);
        }
        signer::Signer signer(region.signer, region.signing_region);
        stores.emplace(name, pipeline::Store{std::move(region), std::move(signer), std::move(objects)});
    }
    return pipeline::Stores(std::move(stores));
}

namespace {

storage::objects::ProbeTarget target_of(const model::StoreRegion& region) {
    storage::objects::ProbeTarget target;
    target.prefix = model::kIncomingPrefix;
    target.internal = region.internal;
    target.public_end = region.external;
    target.style = region.style;
    target.region = region.signing_region;
    target.signer = region.signer;
    target.incoming = region.incoming;
    target.published = region.published;
    target.originals = region.originals;
    return target;
}

tl::unexpected<Error> does_not_answer(const std::string& name, const model::StoreRegion& region,
                                      Error error) {
    error.detail = fmt::format("the object store of region '{}' at {} does not answer: {}", name,
                               region.internal.origin(), error.detail);
    return fail(std::move(error));
}

/// Whose pages send to the stores.
std::string page_origin(const config::Server& server) {
    for (const auto& origin : server.cors_origins) {
        if (origin != "*") return origin;
    }
    return server.public_url ? server.public_url->origin() : storage::objects::CapabilityTarget{}.page_origin;
}

}  // namespace

Result<std::vector<RegionReport>> probe_stores(const pipeline::Stores& stores, const S3Dependencies& parts) {
    std::vector<RegionReport> reports;
    for (const auto& [name, store] : stores.all()) {
        auto report = storage::objects::probe_store(target_of(store.region), *store.objects, parts);
        if (!report) return does_not_answer(name, store.region, std::move(report.error()));
        reports.push_back({name, std::move(*report)});
    }
    return reports;
}

Result<std::vector<RegionCapabilities>> probe_capabilities(const config::Config& config,
                                                           const pipeline::Stores& stores,
                                                           const S3Dependencies& parts) {
    std::vector<RegionCapabilities> all;
    for (const auto& [name, store] : stores.all()) {
        storage::objects::CapabilityTarget target{target_of(store.region), store.region.worker};
        if (name == config.store.region) target.events = storage::objects::CapabilityTarget::Events::direct;
        target.page_origin = page_origin(config.server);
        auto found = storage::objects::probe_capabilities(target, parts);
        if (!found) return does_not_answer(name, store.region, std::move(found.error()));
        all.push_back({name, std::move(*found)});
    }
    return all;
}

}  // namespace photogate::gateway::system
