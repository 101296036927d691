#include "gateway/system/builtin_store.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "gateway/http/http_metrics.hpp"
#include "model/object_layout.hpp"

namespace photogate::gateway::system {

using notifier::events::StoreOperation;
using storage::builtin::FolderStore;

namespace {

constexpr std::size_t kWaitingForTheDisk = 4'096;

StoreOperation operation_of(std::string_view event) {
    if (event == "s3:ObjectCreated:Put") return StoreOperation::created_put;
    if (event == "s3:ObjectCreated:Post") return StoreOperation::created_post;
    if (event == "s3:ObjectCreated:CompleteMultipartUpload") return StoreOperation::created_multipart;
    if (event == "s3:ObjectCreated:Copy") return StoreOperation::created_copy;
    return StoreOperation::other;
}

std::vector<s3::Caller> callers(const model::StoreRegion& region, const s3::StoreKeys& keys) {
    return {{region.signer, s3::put_only(region.incoming, std::string{model::kIncomingPrefix})},
            {region.worker, s3::objects_of({region.incoming, region.published, region.originals})},
            {keys.admin, s3::everything()}};
}

}  // namespace

notifier::events::EventBatch batch_of(const storage::builtin::ObjectCreated& created) {
    notifier::events::StoreEvent event;
    event.operation = operation_of(created.event);
    event.name = created.event.substr(created.event.find(':') + 1);
    event.bucket = created.bucket.str();
    event.key = created.key.str();
    event.size = created.size;
    event.etag = created.etag.str();
    event.sequencer = created.sequencer;
    event.occurred_at = created.at;
    event.client_metadata = created.metadata;
    notifier::events::EventBatch batch;
    batch.events.push_back(std::move(event));
    return batch;
}

void fill_in_keys(model::StoreRegion& region, const s3::StoreKeys& keys) {
    if (region.signer.access_key_id.empty()) region.signer = keys.signer;
    if (region.worker.access_key_id.empty()) region.worker = keys.worker;
}

BuiltinStore::BuiltinStore(const config::Config& config, Dependencies dependencies)
    : config_(config),
      dependencies_(std::move(dependencies)),
      region_(config.regions.at(config.store.region)) {}

BuiltinStore::~BuiltinStore() {
    drain(std::chrono::milliseconds{0});
}

Result<std::unique_ptr<BuiltinStore>> BuiltinStore::open(const config::Config& config,
                                                         Dependencies dependencies) {
    std::unique_ptr<BuiltinStore> store{new BuiltinStore(config, std::move(dependencies))};
    if (auto prepared = store->prepare(); !prepared) return fail(std::move(prepared.error()));
    return store;
}

Result<> BuiltinStore::prepare() {
    storage::builtin::FolderOptions options;
    options.folder = config_.store.folder;
    options.on_created = dependencies_.created;
    if (config_.store.max_object_size > 0)
        options.largest.emplace(region_.incoming, config_.store.max_object_size);
    auto opened = FolderStore::open(std::move(options), {dependencies_.clock, dependencies_.random});
    if (!opened) return fail(std::move(opened.error()));
    folder_ = std::move(*opened);
    store_ = folder_.get();
    auto keys = s3::load_or_make_keys(config_.store.folder, dependencies_.random);
    if (!keys) return fail(std::move(keys.error()));
    keys_ = std::move(*keys);
    fill_in_keys(region_, keys_);
    for (const Bucket* bucket : {&region_.incoming, &region_.published, &region_.originals}) {
        if (auto made = store_->buckets().create(*bucket); !made) return fail(std::move(made.error()));
    }
    return {};
}

std::unique_ptr<storage::objects::ObjectStore> BuiltinStore::objects() {
    return std::move(folder_);
}

Result<> BuiltinStore::serve(http::ServerOptions options) {
    const config::BuiltinStore& config = config_.store;
    pool_ = std::make_unique<http::WorkPool>(
        http::WorkPool::Options{"objects", config.threads, kWaitingForTheDisk});
    s3::ServiceOptions service;
    service.callers = callers(region_, keys_);
    service.region = region_.signing_region;
    service.scheme = config.external.scheme;
    service.domains = config.domains;
    service.cors_origins = config.cors_origins;
    service.body_deadline = config.body_timeout;
    service.encrypted_disk = config.encrypted_disk;
    service_ = std::make_unique<s3::Service>(std::move(service), *store_, *pool_, dependencies_.clock);
    options.observer = &dependencies_.observer;
    const std::string host = config.listen.host == "localhost" ? "127.0.0.1" : config.listen.host;
    auto started = http::Server::start({{host, config.listen.port, service_.get(), {}}}, std::move(options));
    if (!started) return fail(std::move(started.error()));
    server_ = std::move(*started);
    log::warn("store.built_in", {{"folder", config.folder},
                                 {"listen", config.listen.text()},
                                 {"public_url", config.external.origin()},
                                 {"limit", "one machine only: no second gateway can share this store"}});
    return {};
}

Result<storage::builtin::Usage> BuiltinStore::quarantined() const {
    return store_->objects().usage(region_.originals, std::string{model::kQuarantinePrefix});
}

void BuiltinStore::stop_accepting() {
    if (server_) server_->stop_accepting();
}

std::size_t BuiltinStore::drain(std::chrono::milliseconds patience) {
    const std::size_t cut = server_ ? server_->drain(patience) : 0;
    if (pool_) pool_->join();
    return cut;
}

void watch(telemetry::Metrics& metrics, const BuiltinStore& store, std::chrono::milliseconds at_most_every) {
    http::watch(metrics, store.pool());
    metrics.before_render(
        [&store, at_most_every, asked_at = std::optional<std::chrono::steady_clock::time_point>{},
         objects = metrics.gauge({"photogate_store_quarantined_objects",
                                  "Files of rejected uploads that the built-in store keeps; at most 100,000 "
                                  "are counted.",
                                  {}}),
         bytes = metrics.gauge({"photogate_store_quarantined_bytes", "Their bytes.", {}})]() mutable {
            const auto now = std::chrono::steady_clock::now();
            if (asked_at && now - *asked_at < at_most_every) return;
            const auto usage = store.quarantined();
            if (!usage) return;
            asked_at = now;
            objects.set(static_cast<double>(usage->objects));
            bytes.set(static_cast<double>(usage->bytes));
        });
}

}  // namespace photogate::gateway::system
