#include "gateway/system/stores.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/shell_quote.hpp"
#include "gateway/config/load.hpp"
#include "gateway/system/builtin_store.hpp"
#include "model/object_layout.hpp"

namespace photogate::gateway::system {

using storage::objects::S3Client;
using storage::objects::S3Dependencies;
using storage::objects::S3Options;

Result<pipeline::Stores> make_stores(const config::Config& config, const S3Dependencies& dependencies,
                                     std::optional<OwnStore> own) {
    std::map<std::string, pipeline::Store> stores;
    for (const auto& [name, configured] : config.regions) {
        model::StoreRegion region = configured;
        auto health = std::make_shared<storage::objects::StoreHealth>(name);
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
            options.health = health;
            objects = std::make_unique<S3Client>(std::move(options), dependencies);
        }
        signer::Signer signer(region.signer, region.signing_region);
        pipeline::Store store{std::move(region), std::move(signer), std::move(objects)};
        store.health = std::move(health);
        stores.emplace(name, std::move(store));
    }
    return pipeline::Stores(std::move(stores), {config.default_region, config.placement.fallbacks});
}

namespace {

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

/// Where the store reaches the gateway: a store on this machine by the listener, another by the public URL.
std::string event_endpoint(const config::Config& config, const model::StoreRegion& region,
                           const std::string& source) {
    auto base = config.server.public_url ? config.server.public_url->origin() : "http://GATEWAY:8080";
    if (is_loopback(region.internal.host) && !config.server.listen.empty()) {
        auto address = config.server.listen.front();
        if (!is_loopback(address.host) && address.host != "::1") address.host = "127.0.0.1";
        base = "http://" + address.text();
    }
    return fmt::format("{}/v1/events/{}", base, source);
}

/// AWS and R2 by their names; Ceph by the source of events that `photogate setup ceph` makes.
storage::objects::Remedies::Store store_of(const model::StoreRegion& region,
                                           const std::string& event_source) {
    using Store = storage::objects::Remedies::Store;
    const auto& host = region.internal.host;
    if (host.ends_with(".amazonaws.com")) return Store::aws;
    if (host.ends_with(".r2.cloudflarestorage.com")) return Store::r2;
    return event_source == "ceph" ? Store::ceph : Store::minio;
}

storage::objects::Remedies remedies_of(const config::Config& config, const model::StoreRegion& region) {
    storage::objects::Remedies remedies;
    const auto program = config::executable_of_process();
    if (program != "/usr/bin/photogate" && program != "/usr/local/bin/photogate")
        remedies.program = shell_word(program.string());
    if (!config.file.empty()) remedies.arguments = "--config " + shell_word(config.file);
    remedies.region = region.name;
    remedies.signer_key = shell_word(region.signer.access_key_id);
    remedies.worker_key = shell_word(region.worker.access_key_id);
    for (const auto& [name, source] : config.events) {
        if (std::find(source.regions.begin(), source.regions.end(), region.name) == source.regions.end())
            continue;
        remedies.event_source = name;
        remedies.event_endpoint = event_endpoint(config, region, name);
        break;
    }
    remedies.store = store_of(region, remedies.event_source);
    remedies.endpoint = region.internal.origin();
    return remedies;
}

storage::objects::ProbeTarget target_of(const config::Config& config, const model::Apps& apps,
                                        const model::StoreRegion& region) {
    storage::objects::ProbeTarget target;
    target.remedies = remedies_of(config, region);
    target.prefix = model::kIncomingPrefix;
    target.internal = region.internal;
    target.public_end = region.external;
    target.style = region.style;
    target.region = region.signing_region;
    target.signer = region.signer;
    target.incoming = region.incoming;
    target.published = region.published;
    target.originals = region.originals;
    if (model::have_private_profile(apps))
        target.public_bucket = storage::objects::ProbeTarget::PublicBucket::closed;
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

Result<std::vector<RegionReport>> probe_stores(const config::Config& config, const model::Apps& apps,
                                               const pipeline::Stores& stores,
                                               const S3Dependencies& dependencies) {
    std::vector<RegionReport> reports;
    std::optional<Error> away;
    std::size_t answered = 0;
    for (const auto& [name, store] : stores.all()) {
        auto report = probe_store(config, apps, store, dependencies);
        if (report) {
            ++answered;
        } else if (!away) {
            away = report.error();
        }
        reports.push_back(report ? RegionReport{name, std::move(*report), {}}
                                 : RegionReport{name, {}, std::move(report.error())});
    }
    if (away && answered == 0) return fail(std::move(*away));
    return reports;
}

Result<storage::objects::ProbeReport> probe_store(const config::Config& config, const model::Apps& apps,
                                                  const pipeline::Store& store,
                                                  const S3Dependencies& dependencies) {
    auto report = storage::objects::probe_store(target_of(config, apps, store.region_now()), *store.objects,
                                                dependencies);
    if (!report) return does_not_answer(store.region.name, store.region, std::move(report.error()));
    return report;
}

std::string failures_of(const std::vector<RegionReport>& reports) {
    std::string failures;
    for (const auto& each : reports) {
        for (const auto& finding : each.report.findings) {
            if (finding.verdict == storage::objects::Verdict::failed)
                failures += fmt::format("\n  {}: {}\n    {}", finding.check, finding.detail, finding.remedy);
        }
    }
    return failures;
}

Result<std::vector<RegionCapabilities>> probe_capabilities(const config::Config& config,
                                                           const pipeline::Stores& stores,
                                                           const S3Dependencies& dependencies) {
    std::vector<RegionCapabilities> all;
    for (const auto& [name, store] : stores.all()) {
        storage::objects::CapabilityTarget target{target_of(config, config.apps, store.region),
                                                  store.region.worker};
        if (name == config.store.region) target.events = storage::objects::CapabilityTarget::Events::direct;
        target.page_origin = page_origin(config.server);
        auto found = storage::objects::probe_capabilities(target, dependencies);
        if (found) {
            all.push_back({name, std::move(*found), {}});
            continue;
        }
        auto away = does_not_answer(name, store.region, std::move(found.error()));
        all.push_back({name, {}, std::move(away.value())});
    }
    return all;
}

}  // namespace photogate::gateway::system
