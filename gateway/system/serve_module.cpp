#include "gateway/system/serve_module.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "base/version.hpp"
#include "delivery/metrics.hpp"
#include "gateway/access/token_secrets.hpp"
#include "gateway/routes/image_stream.hpp"
#include "gateway/routes/wait_metrics.hpp"
#include "gateway/system/event_sources.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/server_options.hpp"
#include "gateway/system/work_module.hpp"
#include "storage/records/metrics.hpp"

namespace photogate::gateway::system {
namespace {

/// How old the figures may be that cost a larger query.
constexpr std::chrono::milliseconds kStateAtMostEvery{15'000};

std::shared_ptr<const http::CorsPolicy> cors_of(const config::Server& server) {
    if (server.cors_origins.empty()) return nullptr;
    auto policy = std::make_shared<http::CorsPolicy>();
    policy->origins = server.cors_origins;
    policy->credentials = server.cors_credentials;
    return policy;
}

/// Those configured, or those that every gateway of these stores derives alike.
std::vector<Secret> token_secrets(const config::Config& config, const pipeline::Stores& stores) {
    if (!config.server.token_secrets.empty()) return config.server.token_secrets;
    std::map<std::string, Secret> workers;
    for (const auto& [name, store] : stores.all())
        workers.emplace(name, store.region.worker.secret_access_key);
    return access::derive_token_secrets(workers, config.default_region);
}

}  // namespace

ServeModule::ServeModule(Foundation& foundation, const WorkModule* work, const Probes& probes)
    : base_(foundation),
      work_(work),
      probes_(probes),
      event_sources_(event_sources_of(foundation.config)),
      catalog_(foundation.config.apps, foundation.stores),
      uploads_({foundation.records->uploads, *foundation.intake, catalog_, foundation.config.callbacks.policy,
                foundation.clock, foundation.random}),
      image_budget_(routes::ImageStream::budget(foundation.config.server.image_buffers)),
      // A connection asks for one piece at a time, so that none is ever refused in the middle of an image.
      image_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"images", 16, foundation.max_connections})),
      database_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"database", foundation.config.database.connections, 512})),
      store_pool_(std::make_unique<http::WorkPool>(http::WorkPool::Options{"store", 16, 512})) {}

/// Requests first, then what they left to do on the pools, which uses everything else here.
ServeModule::~ServeModule() {
    server_.reset();
    database_pool_->join();
    if (version_pool_) version_pool_->join();
    version_maker_.reset();
    for (auto* pool : {&image_pool_, &store_pool_})
        (*pool)->join();
}

void ServeModule::make_version_maker() {
    if (!base_.imagers) return;
    delivery::VersionMaker::Options options;
    options.most_making = base_.config.delivery.versions_making;
    options.most_making_per_app = base_.config.delivery.versions_making_per_app;
    options.patience = base_.config.delivery.version_wait;
    // While as many are rendered as there are worker processes, others are fetched and put.
    const auto threads = base_.config.imaging.processes + 2;
    version_pool_ =
        std::make_unique<http::WorkPool>(http::WorkPool::Options{"versions", threads, options.most_making});
    version_renderer_.emplace(
        delivery::VersionRenderer::Dependencies{base_.records->versions, *base_.images, *base_.imagers});
    version_maker_.emplace(
        [this](const delivery::VersionOrder& order, delivery::VersionMaker::Steady::time_point deadline) {
            return version_renderer_->attempt(order, deadline);
        },
        [this](std::function<void()> work) { return version_pool_->submit(std::move(work)); }, options);
}

Result<> ServeModule::add_api() {
    auto secrets = token_secrets(base_.config, base_.stores);
    if (secrets.empty())
        return fail(ErrorCode::invalid_configuration,
                    "no region has a worker secret to derive client tokens' secrets from; set "
                    "server.token_secrets");
    tokens_.emplace(secrets);
    make_version_maker();
    api_.emplace(routes::Api{base_.config,
                             catalog_,
                             uploads_,
                             base_.records->uploads,
                             base_.records->outbox,
                             base_.stores,
                             *base_.intake,
                             *base_.images,
                             base_.records->versions,
                             version_maker_ ? &*version_maker_ : nullptr,
                             *base_.waiters,
                             *database_pool_,
                             *store_pool_,
                             *image_pool_,
                             image_budget_,
                             base_.metrics,
                             base_.clock,
                             base_.random,
                             cors_of(base_.config.server),
                             base_.image_base,
                             *tokens_,
                             event_sources_,
                             in_flight_});
    routes::add_upload_routes(router_, *api_);
    routes::add_event_routes(router_, *api_);
    routes::add_image_routes(router_, *api_);
    routes::add_callback_routes(router_, *api_);
    routes::add_token_routes(router_, *api_);
    routes::add_profile_routes(router_, *api_);
    routes::add_page_routes(router_, *api_);
    routes::add_health_routes(
        router_, [this] { return probes_.readiness(); }, *database_pool_);
    routes::add_operator_routes(operations_, *api_);
    routes::add_operate_pages(operations_);
    routes::add_image_routes(operations_, *api_);  // the page's thumbnails
    return {};
}

Result<> ServeModule::start() {
    std::vector<http::Listener> listeners;
    if (base_.serves()) {
        if (auto added = add_api(); !added) return added;
        for (const auto& address : base_.config.server.listen)
            listeners.push_back(listener(address, router_, base_.config.server.allowed_hosts));
    }
    watch_all();
    routes::add_metrics_route(operations_, base_.metrics, *database_pool_);
    routes::add_health_routes(
        operations_, [this] { return probes_.readiness(); }, *database_pool_);
    listeners.push_back(operations_listener(base_.config.server, operations_));
    // Connections of its own, so that it can be reached when clients use up all others.
    listeners.back().connections = std::min<std::size_t>(base_.max_connections, 64);
    auto started = http::Server::start(
        std::move(listeners), server_options(base_.config.server, base_.max_connections, base_.http_metrics));
    if (!started) return fail(std::move(started.error()));
    server_ = std::move(*started);
    server_view_ = server_.get();
    return {};
}

/// What each module shows when /metrics is read.
void ServeModule::watch_all() {
    auto& metrics = base_.metrics;
    metrics.add_process_metrics(kVersion, "");
    const auto state_age =
        std::min<std::chrono::milliseconds>(kStateAtMostEvery, base_.config.worker.reconcile_interval);
    storage::records::watch(metrics, base_.records->gauges, state_age);
    if (work_) work_->watch_all();
    if (base_.imagers) watch(metrics, *base_.imagers);
    delivery::watch(metrics, *base_.images, image_budget_);
    if (version_maker_) delivery::watch(metrics, *version_maker_);
    routes::watch(metrics, *base_.waiters);
    http::watch(metrics, server_view_);
    for (const auto* pool : {database_pool_.get(), store_pool_.get(), image_pool_.get()})
        http::watch(metrics, *pool);
    if (version_pool_) http::watch(metrics, *version_pool_);
    if (base_.builtin) watch(metrics, *base_.builtin, state_age);
    telemetry::watch_disk(metrics, "temporary", std::filesystem::temp_directory_path());
    if (!base_.config.store.folder.empty())
        telemetry::watch_disk(metrics, "store", base_.config.store.folder);
    if (!base_.config.postgres_folder.empty())
        telemetry::watch_disk(metrics, "database", base_.config.postgres_folder);
}

void ServeModule::stop_accepting() {
    if (server_) server_->stop_accepting();
}

std::size_t ServeModule::drain(std::chrono::milliseconds patience) {
    return server_ ? server_->drain(patience) : 0;
}

}  // namespace photogate::gateway::system
