#include "gateway/system/serve_module.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "base/version.hpp"
#include "delivery/metrics.hpp"
#include "delivery/packed_version.hpp"
#include "gateway/routes/cors.hpp"
#include "gateway/routes/image_stream.hpp"
#include "gateway/system/event_sources.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/link_keys.hpp"
#include "gateway/system/server_options.hpp"
#include "gateway/system/work_module.hpp"
#include "gateway/system/worker_setup.hpp"
#include "gateway/waiting/wait_metrics.hpp"
#include "notifier/purges/purge_hook.hpp"
#include "storage/records/metrics.hpp"

namespace photogate::gateway::system {
namespace {

/// How old the figures may be that cost a larger query.
constexpr std::chrono::milliseconds kStateAtMostEvery{15'000};

}  // namespace

ServeModule::ServeModule(Foundation& foundation, const WorkModule* work, const Probes& probes)
    : base_(foundation),
      work_(work),
      probes_(probes),
      event_sources_(event_sources_of(foundation.config, foundation.clock)),
      catalog_(foundation.apps, foundation.stores),
      open_uploads_(foundation.apps, [this](const std::vector<AppName>& apps) { return count_open(apps); }),
      uploads_({foundation.records->uploads, *foundation.intake, *foundation.parts, catalog_,
                foundation.config.callbacks.policy, foundation.clock, foundation.random,
                [this](const model::Upload& upload, Timestamp until) {
                    return resumable::resumable_url(base_.image_base, tickets_->sign(upload.id, until),
                                                    upload.id);
                },
                [this](const model::App& app, std::optional<ByteSize> bytes) {
                    return open_uploads_.admit(app, bytes);
                },
                [this](const model::Upload& upload, const std::string& repeated_as,
                       std::function<void(Result<>)> done) {
                    base_.gates.ask_before_grant(upload, repeated_as, std::move(done));
                }}),
      packages_({*foundation.packages, catalog_, delivery::packed_version, foundation.clock,
                 foundation.random, package_limits(foundation.config.packages)}),
      package_downloads_(
          {foundation.config.packages.buffers, foundation.config.packages.downloads_of_package}),
      image_budget_(routes::ImageStream::budget(foundation.config.server.image_buffers)),
      recent_images_(*foundation.images, foundation.records->versions),
      image_memory_(foundation.config.delivery.memory_cache),
      // A connection asks for one piece at a time, so that none is ever refused in the middle of an image.
      image_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"images", 16, foundation.max_connections})),
      // A download has a piece and two objects that are opened on their way there.
      package_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"packages", 16, 4 * foundation.max_connections})),
      database_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"database", foundation.config.database.connections, 512})),
      store_pool_(std::make_unique<http::WorkPool>(http::WorkPool::Options{"store", 16, 512})),
      // Whoever knows a source's name can have it fetch keys: two at a time, and nobody else waits for them.
      event_pool_(std::make_unique<http::WorkPool>(http::WorkPool::Options{"events", 2, 64})),
      // A connection has one step of its upload at a time, so that none is refused in the middle.
      resumable_pool_(std::make_unique<http::WorkPool>(
          http::WorkPool::Options{"resumable", 16, 2 * foundation.max_connections})),
      handover_channel_(*foundation.records->database),
      holders_(std::in_place),
      handover_(std::in_place, *holders_, handover_channel_),
      transfer_places_(transfer_limits(foundation.config.server), resumable::kTransfers) {}

/// Requests first, then what they left to do on the pools, which uses everything else here.
ServeModule::~ServeModule() {
    server_.reset();
    base_.gates.stop();
    event_pool_->join();
    database_pool_->join();
    if (version_use_) version_use_->stop();
    if (use_teller_.joinable()) use_teller_.join();
    news_stop_.stop();
    open_uploads_.stop();
    if (open_counter_.joinable()) open_counter_.join();
    if (news_listener_.joinable()) news_listener_.join();
    if (version_pool_) version_pool_->join();
    version_maker_.reset();
    for (auto* pool : {&image_pool_, &package_pool_, &store_pool_, &resumable_pool_})
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
    delivery::VersionRenderer::Options rendering;
    rendering.most_of_image = base_.config.delivery.versions_of_image;
    version_renderer_.emplace(
        delivery::VersionRenderer::Dependencies{base_.records->versions, *base_.images, *base_.imagers},
        rendering);
    version_maker_.emplace(
        [this](const delivery::VersionOrder& order, delivery::VersionMaker::Steady::time_point deadline,
               const delivery::VersionRenderer::Wanted& wanted) {
            return version_renderer_->attempt(order, deadline, wanted);
        },
        [this](std::function<void()> work) { return version_pool_->submit(std::move(work)); }, options);
    news_listener_ = std::thread([this] { listen_for_versions(); });
}

void ServeModule::listen_for_versions() {
    constexpr std::chrono::milliseconds kTurn{250};
    while (!news_stop_.stopped()) {
        const auto until = std::chrono::steady_clock::now() + kTurn;
        const auto news = base_.records->versions.wait_for_news(kTurn);
        version_maker_->heard(news);
        // Of records that are being closed it returns at once.
        if (news.empty()) (void)news_stop_.wait_until(until);
    }
}

Result<> ServeModule::add_api() {
    auto secrets = token_secrets(base_.config, base_.stores);
    if (secrets.empty())
        return fail(ErrorCode::invalid_configuration,
                    "no region has a worker secret to derive client tokens' secrets from; set "
                    "server.token_secrets");
    tokens_.emplace(secrets);
    tickets_.emplace(secrets);
    seals_.emplace(secrets, base_.random);
    image_access_.emplace(base_.apps, base_.registry.link_keys(), base_.clock);
    version_use_.emplace(base_.records->versions, delivery::VersionUse::Options{});
    use_teller_ = std::thread([this] { version_use_->run(); });
    make_version_maker();
    std::vector<delivery::CacheSweep::Swept> caches{delivery::CacheSweep::over(image_memory_)};
    if (base_.disk_cache) caches.push_back(delivery::CacheSweep::over(*base_.disk_cache));
    cache_sweep_.emplace(*base_.images, std::move(caches));
    api_.emplace(routes::Api{base_.config,
                             base_.apps,
                             base_.registry.keys(),
                             *base_.app_store,
                             [this] { return base_.registry.refresh(); },
                             catalog_,
                             uploads_,
                             base_.records->uploads,
                             base_.records->outbox,
                             base_.stores,
                             *base_.region_finder,
                             *base_.intake,
                             *base_.images,
                             base_.records->versions,
                             base_.records->variants,
                             *base_.backfills,
                             *version_use_,
                             recent_images_,
                             image_memory_,
                             base_.disk_cache.get(),
                             version_maker_ ? &*version_maker_ : nullptr,
                             *base_.waiters,
                             *database_pool_,
                             *store_pool_,
                             *event_pool_,
                             *image_pool_,
                             image_budget_,
                             base_.metrics,
                             base_.clock,
                             base_.random,
                             routes::cors_rule(base_.config.server),
                             base_.image_base,
                             notifier::purges::tag_headers(base_.config.purges),
                             *tokens_,
                             *image_access_,
                             event_sources_,
                             in_flight_});
    routes::add_upload_routes(router_, *api_);
    routes::add_event_routes(router_, *api_);
    routes::add_image_routes(router_, *api_);
    routes::add_callback_routes(router_, *api_);
    routes::add_token_routes(router_, *api_);
    routes::add_link_routes(router_, *api_);
    routes::add_backfill_routes(router_, *api_);
    routes::add_app_routes(router_, *api_);
    routes::add_app_profile_routes(router_, *api_);
    routes::add_app_reports(router_, *api_);
    routes::add_profile_routes(router_, *api_);
    package_api_.emplace(routes::PackageApi{*api_, packages_, *base_.packages, package_downloads_,
                                            *base_.package_waiters, *package_pool_});
    routes::add_package_routes(router_, *package_api_);
    routes::add_package_download(router_, *package_api_);
    add_resumable_api();
    routes::add_page_routes(router_, *api_);
    routes::add_health_routes(
        router_, [this] { return probes_.readiness(); }, *database_pool_);
    routes::add_operator_routes(operations_, *api_);
    routes::add_operator_link_routes(operations_, *api_);
    routes::add_operator_package_routes(operations_, *package_api_);
    routes::add_operate_pages(operations_);
    routes::add_app_routes(operations_, *api_);
    routes::add_app_profile_routes(operations_, *api_);
    routes::add_app_reports(operations_, *api_);
    routes::add_image_routes(operations_, *api_);  // the page's thumbnails
    return {};
}

void ServeModule::add_resumable_api() {
    const auto most = [this] {
        ByteSize bytes = 0;
        for (const auto& [name, app] : *base_.apps.now()) {
            for (const auto& [profile_name, profile] : app.profiles)
                bytes = std::max<ByteSize>(bytes, profile.limits.max_bytes);
        }
        return bytes;
    };
    resumable_uploads_.emplace(pipeline::resumable::ResumableUploads::Dependencies{
        base_.records->uploads, *base_.chunks, catalog_, base_.clock});
    resumable_metrics_.emplace(base_.metrics);
    resumable::watch(base_.metrics, *holders_, transfer_places_);
    resumable_api_.emplace(resumable::ResumableApi{
        *resumable_uploads_, *base_.assembler, uploads_, access::app_or_token(api_->credentials()), *tickets_,
        *resumable_pool_, *holders_, *handover_, transfer_places_, *resumable_metrics_, base_.clock,
        api_->cors, base_.image_base, most, base_.config.server.trusted_proxies,
        base_.config.server.interim_answers, *base_.region_finder, in_flight_});
    uppy_api_.emplace(uppy::UppyApi{*api_, *seals_});
    uppy::add_uppy_routes(router_, *uppy_api_);
    uppy_errors_.emplace(router_);
    resumable_service_.emplace(*resumable_api_, *uppy_errors_);
    make_limits();
}

void ServeModule::make_limits() {
    access::RateLimited::Options options;
    options.failed_authentications = base_.config.server.max_failed_authentications;
    options.trusted_proxies = base_.config.server.trusted_proxies;
    limited_.emplace(*resumable_service_, std::move(options), [this](const AppName& name) {
        const auto apps = base_.apps.now();
        const auto app = apps->find(name);
        if (app == apps->end()) return access::RequestRates{};
        const auto& limits = app->second.limits;
        return access::RequestRates{limits.requests_per_second, limits.requests_burst,
                                    limits.requests_per_second_token};
    });
    open_counter_ = std::thread([this] { open_uploads_.run(); });
}

Result<std::map<AppName, pipeline::uploads::OpenUse>> ServeModule::count_open(
    const std::vector<AppName>& apps) const {
    const auto open = base_.app_store->open_uploads(apps);
    if (!open) return fail(open.error());
    std::map<AppName, pipeline::uploads::OpenUse> by_app;
    for (const auto& each : *open)
        by_app.emplace(each.app, pipeline::uploads::OpenUse{each.uploads, each.bytes});
    return by_app;
}

Result<> ServeModule::start() {
    std::vector<http::Listener> listeners;
    if (base_.serves()) {
        if (auto added = add_api(); !added) return added;
        for (const auto& address : base_.config.server.listen)
            listeners.push_back(listener(address, *limited_, base_.config.server.allowed_hosts));
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
    delivery::watch(metrics, "rows", recent_images_);
    delivery::watch(metrics, "memory", image_memory_);
    if (base_.disk_cache) delivery::watch(metrics, *base_.disk_cache);
    if (version_maker_) delivery::watch(metrics, *version_maker_);
    if (version_use_) delivery::watch(metrics, *version_use_);
    waiting::watch(metrics, *base_.waiters, *base_.package_waiters);
    routes::watch(metrics, package_downloads_);
    if (image_access_) routes::watch(metrics, *image_access_);
    if (limited_) access::watch(metrics, *limited_);
    http::watch(metrics, server_view_);
    for (const auto* pool : {database_pool_.get(), store_pool_.get(), event_pool_.get(), image_pool_.get(),
                             package_pool_.get(), resumable_pool_.get()})
        http::watch(metrics, *pool);
    if (version_pool_) http::watch(metrics, *version_pool_);
    if (base_.builtin) watch(metrics, *base_.builtin, state_age);
    telemetry::watch_disk(metrics, "temporary", std::filesystem::temp_directory_path());
    if (!base_.config.store.folder.empty())
        telemetry::watch_disk(metrics, "store", base_.config.store.folder);
    if (!base_.config.postgres_folder.empty())
        telemetry::watch_disk(metrics, "database", base_.config.postgres_folder);
}

void ServeModule::use_token_secrets(const std::vector<Secret>& secrets) {
    if (tokens_) tokens_->replace(secrets);
    if (tickets_) tickets_->replace(secrets);
    if (seals_) seals_->replace(secrets);
}

void ServeModule::stop_accepting() {
    if (server_) server_->stop_accepting();
}

std::size_t ServeModule::drain(std::chrono::milliseconds patience) {
    return server_ ? server_->drain(patience) : 0;
}

}  // namespace photogate::gateway::system
