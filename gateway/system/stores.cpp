#include "gateway/system/stores.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "gateway/system/builtin_store.hpp"

namespace photogate::gateway::system {

using storage::objects::S3Client;
using storage::objects::S3Options;
using storage::objects::S3Parts;

Result<pipeline::Stores> make_stores(const config::Config& config, const S3Parts& parts,
                                     std::optional<OwnStore> own) {
    std::map<std::string, pipeline::Store> stores;
    for (const auto& [name, configured] : config.regions) {
        pipeline::StoreRegion region = configured;
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

Result<std::vector<RegionReport>> probe_stores(const pipeline::Stores& stores, const S3Parts& parts) {
    std::vector<RegionReport> reports;
    for (const auto& [name, store] : stores.all()) {
        const auto& region = store.region;
        storage::objects::ProbeTarget target;
        target.internal = region.internal;
        target.public_end = region.external;
        target.style = region.style;
        target.region = region.signing_region;
        target.signer = region.signer;
        target.incoming = region.incoming;
        target.published = region.published;
        target.originals = region.originals;
        auto report = storage::objects::probe_store(target, *store.objects, parts);
        if (!report) {
            report.error().detail = fmt::format("the object store of region '{}' at {} does not answer: {}",
                                                name, region.internal.origin(), report.error().detail);
            return fail(std::move(report.error()));
        }
        reports.push_back({name, std::move(*report)});
    }
    return reports;
}

}  // namespace photogate::gateway::system
