#include "gateway/system/system.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/agreed_clock.hpp"
#include "base/log.hpp"
#include "delivery/published_images.hpp"
#include "gateway/http/server.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/token_secrets.hpp"
#include "gateway/system/builtin_store.hpp"
#include "gateway/system/counting.hpp"
#include "gateway/system/descriptors.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/recipients.hpp"
#include "gateway/system/server_options.hpp"
#include "gateway/system/service_notify.hpp"
#include "gateway/system/store_watch.hpp"
#include "gateway/system/stores.hpp"
#include "imaging/imager_pool.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "notifier/callbacks/upload_callbacks.hpp"
#include "pipeline/processor.hpp"
#include "pipeline/reconciler.hpp"
#include "pipeline/sweeper.hpp"
#include "pipeline/worker.hpp"
#include "signer/webhook_signature.hpp"
#include "storage/records/records.hpp"

namespace photogate::gateway::system {
namespace {

namespace records = storage::records;

notifier::callbacks::SecretsOf secrets(const config::Config& config) {
    return [&config](const AppName& name) {
        const auto app = config.apps.find(name);
        return app == config.apps.end() ? std::vector<signer::WebhookSecret>{} : app->second.callback_secrets;
    };
}

storage::http::ClientOptions callback_client(const config::Config& config) {
    storage::http::ClientOptions options;
    options.user_agent = "photogate/" PHOTOGATE_VERSION;
    options.guard = [&config](const sockaddr& address) {
        return config.callbacks.policy.guard.permits(address);
    };
    options.ca_file = config.callbacks.ca_file;
    return options;
}

std::string worker_name() {
    char host[256] = "host";
    if (::gethostname(host, sizeof host - 1) != 0) return fmt::format("pid-{}", ::getpid());
    return fmt::format("{}-{}", host, ::getpid());
}

/// Those configured, or those that every gateway of these stores derives alike.
std::vector<Secret> token_secrets(const config::Config& config, const pipeline::Stores& stores) {
    if (!config.server.token_secrets.empty()) return config.server.token_secrets;
    std::map<std::string, Secret> workers;
    for (const auto& [name, store] : stores.all())
        workers.emplace(name, store.region.worker.secret_access_key);
    return routes::derive_token_secrets(workers, config.default_region);
}

std::chrono::seconds longest_grant(const config::Config& config) {
    std::chrono::seconds longest{0};
    for (const auto& [name, app] : config.apps) {
        for (const auto& [profile_name, profile] : app.profiles)
            longest = std::max(longest, profile.longest_expiry);
    }
    return longest;
}

}  // namespace

// The members stand in the order of their lives: each uses only what stands above it.
struct System::State {
    const config::Config& config;
    const ProcessRole role;
    AgreedClock clock;  ///< agreed on with the other gateways: the database's
    SystemRandom random;
    const std::size_t max_connections;  ///< of each server
    std::string image_base;
    http::Metrics metrics;
    http::HttpMetrics http_metrics{metrics};
    UploadCounting upload_counting{metrics};
    CallbackCounting callback_counting{metrics};

    storage::http::HttpClient store_http{storage::http::ClientOptions{}};
    storage::objects::SystemPacer pacer;
    storage::objects::S3Parts s3_parts{store_http, clock, random, pacer};
    pipeline::Stores stores{{}};
    notifier::callbacks::UploadCallbacks composer;
    std::unique_ptr<records::Records> records;
    std::optional<pipeline::Intake> intake;
    std::optional<StoreWatch> watch;
    std::unique_ptr<BuiltinStore> builtin;  ///< after what it tells: the records, the intake
    std::optional<delivery::PublishedImages> images;
    std::optional<routes::RecordsWatch> upload_watch;
    std::optional<routes::Waiters> waiters;

    // serve
    std::unique_ptr<http::WorkPool> database_pool;
    std::unique_ptr<http::WorkPool> store_pool;
    std::shared_ptr<const http::CorsPolicy> cors;
    std::optional<routes::TokenSigner> tokens;
    std::optional<routes::Api> api;
    http::Router router;
    http::Router operations;

    // work
    std::unique_ptr<imaging::ImagerPool> imagers;
    std::optional<pipeline::Processor> processor;
    std::optional<pipeline::Worker> worker;
    std::optional<pipeline::Reconciler> reconciler;
    std::optional<pipeline::Sweeper> sweeper;
    std::optional<storage::http::HttpClient> callback_http;
    std::optional<notifier::callbacks::CallbackSender> sender;
    std::vector<std::thread> loops;

    std::atomic<bool> stopping{false};
    std::atomic<const http::Server*> server_view{nullptr};  ///< for who counts, once it listens
    std::unique_ptr<http::Server> server;
    bool stopped = false;

    State(const config::Config& configuration, ProcessRole chosen)
        : config(configuration),
          role(chosen),
          max_connections(
              allow_connections(config.server.max_connections, config.store.folder.empty() ? 1 : 2)),
          image_base(image_base_of(configuration)),
          composer(image_base, random, recipients(configuration)) {}

    bool serves() const { return role != ProcessRole::work; }
    bool works() const { return role != ProcessRole::serve; }

    Result<> open() {
        auto opened = records::Records::open(config.database, composer, clock, random);
        if (!opened) return fail(std::move(opened.error()));
        records = std::move(*opened);
        agree_on_time();
        if (auto ready = open_stores(); !ready) return ready;
        intake.emplace(records->uploads, records->arrivals, stores, clock);
        StoreWatchOptions watching;
        watching.prove_every = config.worker.proof_interval;
        watching.read_clock_every = std::min(watching.read_clock_every, watching.prove_every);
        watching.agree_on_time = [this] { agree_on_time(); };
        watch.emplace(std::move(watching), stores, s3_parts, metrics);
        if (builtin) {
            if (auto serving = builtin->serve(server_options(config.server, max_connections, http_metrics));
                !serving)
                return serving;
        }
        images.emplace(records->publications, stores);
        upload_watch.emplace(records->uploads);
        waiters.emplace(*upload_watch,
                        routes::Waiters::Options{.limits = wait_limits(config.server, max_connections)});
        return {};
    }

    /// With the other gateways, on the database's time. An answer that took long tells too little.
    void agree_on_time() {
        const auto asked_at = std::chrono::steady_clock::now();
        const auto state = records->gauges.pipeline_state();
        if (!state || std::chrono::steady_clock::now() - asked_at > kClockNoise / 2) return;
        const auto ahead = state->database_ahead - (clock.now() - SystemClock{}.now());
        if (std::chrono::abs(ahead) >= kClockNoise)
            log::warn("clock.corrected",
                      {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(ahead).count()}});
        clock.correct(ahead);
    }

    /// Of the processes that share a built-in store's folder, the one that serves has it.
    Result<> open_stores() {
        std::optional<OwnStore> own;
        if (!config.store.folder.empty() && serves()) {
            auto store = BuiltinStore::open(
                config, {clock, random, http_metrics,
                         [this](const storage::objects::ObjectCreated& created) { take_in(created); }});
            if (!store) return fail(std::move(store.error()));
            builtin = std::move(*store);
            own = OwnStore{builtin->region(), builtin->objects()};
        }
        auto made = make_stores(config, s3_parts, std::move(own));
        if (!made) return fail(std::move(made.error()));
        stores = std::move(*made);
        return {};
    }

    /// The built-in store's events go the way of every store's. What is lost here the reconciler finds.
    void take_in(const storage::objects::ObjectCreated& created) noexcept {
        try {
            if (!intake || created.bucket != builtin->region().incoming) return;
            intake->take_in("built-in", batch_of(created), {},
                            [key = created.key.str()](const Result<pipeline::IntakeSummary>& taken) {
                                if (!taken)
                                    log::warn("event.lost", {{"key", key}, {"detail", taken.error().detail}});
                            });
        } catch (const std::exception& error) {
            log::error("event.exception", {{"what", error.what()}});
        }
    }

    Result<> prove_safe() {
        const auto reports = probe_stores(stores, s3_parts);
        if (!reports) return fail(reports.error());
        watch->found(*reports);
        watch->read_clocks();  // before the first grant
        std::string failures;
        for (const auto& [region, report] : *reports) {
            for (const auto& finding : report.findings) {
                if (finding.verdict == storage::objects::Verdict::passed) continue;
                log::warn("store.unsafe", {{"region", region},
                                           {"check", finding.check},
                                           {"detail", finding.detail},
                                           {"remedy", finding.remedy}});
                if (finding.verdict == storage::objects::Verdict::failed)
                    failures +=
                        fmt::format("\n  {}: {}\n    {}", finding.check, finding.detail, finding.remedy);
            }
        }
        if (failures.empty() || config.unsafe == config::Unsafe::insisted) return {};
        return fail(ErrorCode::unsafe_configuration,
                    "the store's credentials or buckets are not safe, so photogate does not start (--unsafe "
                    "insists):" +
                        failures);
    }

    Result<> start_work() {
        processor.emplace(pipeline::ProcessorParts{
            records->jobs, records->publications, records->uploads, stores, config.apps,
            [this](const imaging::Task& task) { return imagers->run(task); }, random,
            [this](const model::Upload& upload, const pipeline::StageTimes& times) {
                upload_counting.finished(upload, times);
                waiters->finished(upload);
            },
            [this](const UploadId& id) { waiters->settled(id); }});
        pipeline::WorkerOptions options;
        options.name = worker_name();
        options.hands = config.worker.concurrency;
        options.lease = config.worker.lease;
        options.heartbeat = std::max(std::chrono::seconds{1}, config.worker.lease / 4);
        options.poll = config.worker.poll;
        worker.emplace(std::move(options), records->jobs,
                       [this](const model::Job& job) { processor->run(job); });
        pipeline::ReconcilerOptions rounds;
        rounds.list_every = config.worker.reconcile_interval;
        rounds.look_every =
            std::min<std::chrono::milliseconds>(rounds.look_every, config.worker.reconcile_interval);
        rounds.reap_every = config.worker.reap_interval;
        rounds.grace = config.worker.expiry_grace;
        rounds.longest_grant = longest_grant(config);
        reconciler.emplace(rounds, pipeline::ReconcilerParts{records->upkeep, records->jobs,
                                                             records->arrivals, stores, *intake, clock});
        pipeline::SweeperOptions sweeps;
        sweeps.every = config.worker.sweep_interval;
        sweeps.ask_every = std::min(sweeps.ask_every, sweeps.every);
        sweeps.min_age = config.worker.sweep_age;
        sweeper.emplace(sweeps, pipeline::SweeperParts{records->upkeep, records->arrivals,
                                                       records->publications, stores, clock});
        callback_http.emplace(callback_client(config));
        sender.emplace(
            config.callbacks.sender, records->outbox, *callback_http, secrets(config), clock, random,
            [this](const model::CallbackAttempt& attempt) { callback_counting.attempted(attempt); });
        loops.emplace_back([this] { worker->run(); });
        loops.emplace_back([this] { reconciler->run(); });
        loops.emplace_back([this] { sweeper->run(); });
        loops.emplace_back([this] { watch->run(); });
        loops.emplace_back([this] { sender->run(); });
        return {};
    }

    routes::Readiness readiness() {
        Result<> state;
        if (stopping) {
            state = fail(ErrorCode::unavailable, "shutting down");
        } else if (const auto answered = records->gauges.ping(); !answered) {
            state = fail(ErrorCode::database_unavailable, "the database does not answer");
        }
        const auto detail =
            fmt::format(R"({{"ready":{},"database":{},"stopping":{}{}{}}})", state.has_value(),
                        state || stopping ? "\"ok\"" : "\"away\"", stopping.load(),
                        builtin ? ",\"store\":" + builtin->state_json() : std::string{},
                        imagers ? ",\"imager\":" + jail_json() : std::string{});
        return {std::move(state), detail};
    }

    /// What the image helpers found when they tried to leave their jail.
    std::string jail_json() const {
        const auto jail = imagers->jail();
        return fmt::format(R"({{"jail":"{}","landlock":{}}})", jail.is_tight() ? "tight" : "not tight",
                           jail.landlock);
    }

    CountedParts counted_parts() {
        CountedParts parts;
        parts.gauges = &records->gauges;
        parts.reconciler = reconciler ? &*reconciler : nullptr;
        parts.sweeper = sweeper ? &*sweeper : nullptr;
        parts.sender = sender ? &*sender : nullptr;
        parts.imagers = imagers.get();
        parts.server = &server_view;
        parts.waiters = &*waiters;
        parts.pools = {database_pool.get(), store_pool.get()};
        if (builtin) parts.pools.push_back(&builtin->pool());
        parts.folders.emplace("temporary", std::filesystem::temp_directory_path());
        if (!config.store.folder.empty()) parts.folders.emplace("store", config.store.folder);
        if (!config.postgres_folder.empty()) parts.folders.emplace("database", config.postgres_folder);
        parts.state_at_most_every = std::min(parts.state_at_most_every, config.worker.reconcile_interval);
        return parts;
    }

    Result<> start_serving() {
        database_pool = std::make_unique<http::WorkPool>(
            http::WorkPool::Options{"database", config.database.connections, 512});
        store_pool = std::make_unique<http::WorkPool>(http::WorkPool::Options{"store", 16, 512});
        std::vector<http::Listener> listeners;
        if (serves()) {
            if (!config.server.cors_origins.empty()) {
                auto policy = std::make_shared<http::CorsPolicy>();
                policy->origins = config.server.cors_origins;
                policy->credentials = config.server.cors_credentials;
                cors = std::move(policy);
            }
            auto secrets = token_secrets(config, stores);
            if (secrets.empty())
                return fail(ErrorCode::invalid_configuration,
                            "no region has a worker secret to derive client tokens' secrets from; set "
                            "server.token_secrets");
            tokens.emplace(secrets);
            api.emplace(routes::Api{config, records->uploads, records->outbox, stores, *intake, *images,
                                    *waiters, *database_pool, *store_pool, metrics, clock, random, cors,
                                    image_base, *tokens});
            routes::add_upload_routes(router, *api);
            routes::add_event_routes(router, *api);
            routes::add_image_routes(router, *api);
            routes::add_callback_routes(router, *api);
            routes::add_token_routes(router, *api);
            routes::add_page_routes(router, *api);
            routes::add_health_routes(
                router, [this] { return readiness(); }, *database_pool);
            for (const auto& address : config.server.listen)
                listeners.push_back(listener(address, router, config.server.allowed_hosts));
        }
        metrics.add_process_metrics(PHOTOGATE_VERSION, "");
        count_parts(metrics, counted_parts());
        if (api) {
            routes::add_operator_routes(operations, *api);
            routes::add_operate_pages(operations);
        }
        routes::add_metrics_route(operations, metrics, *database_pool);
        routes::add_health_routes(
            operations, [this] { return readiness(); }, *database_pool);
        listeners.push_back(listener(config.server.metrics_listen, operations, {}));
        // Where clients take all there are, somebody has to be able to see it.
        listeners.back().connections = std::min<std::size_t>(max_connections, 64);
        auto started = http::Server::start(std::move(listeners),
                                           server_options(config.server, max_connections, http_metrics));
        if (!started) return fail(std::move(started.error()));
        server = std::move(*started);
        server_view = server.get();
        return {};
    }

    static http::Listener listener(const config::ListenAddress& address, http::Service& service,
                                   std::vector<std::string> hosts) {
        return {address.host == "localhost" ? "127.0.0.1" : address.host, address.port, &service,
                std::move(hosts)};
    }

    void stop() {
        if (stopped) return;
        stopped = true;
        stopping = true;
        notify_service_manager("STOPPING=1");
        if (server) {
            // Load balancers see /readyz first; then nobody new comes in, and those who wait get what there
            // is.
            std::this_thread::sleep_for(config.server.drain_delay);
            server->stop_accepting();
            if (builtin) builtin->stop_accepting();
        }
        if (worker) worker->stop();
        if (reconciler) reconciler->stop();
        if (sweeper) sweeper->stop();
        if (watch) watch->stop();
        if (sender) sender->stop();
        if (waiters) waiters->release_all();
        if (server) {
            if (const auto cut = server->drain(config.server.drain_timeout); cut > 0)
                log::warn("server.connections_cut", {{"connections", cut}});
        }
        for (auto& loop : loops)
            loop.join();
        loops.clear();
        if (builtin) {
            if (const auto cut = builtin->drain(config.server.drain_timeout); cut > 0)
                log::warn("store.connections_cut", {{"connections", cut}});
        }
    }
};

System::System(std::unique_ptr<State> state) : state_(std::move(state)) {}

System::~System() {
    stop();
}

void System::stop() {
    if (state_) state_->stop();
}

Result<std::unique_ptr<System>> System::start(const config::Config& config, ProcessRole role) {
    std::unique_ptr<System> system{new System(std::make_unique<State>(config, role))};
    auto& state = *system->state_;
    if (auto opened = state.open(); !opened) return fail(std::move(opened.error()));
    if (auto safe = state.prove_safe(); !safe) return fail(std::move(safe.error()));
    if (state.works() || config.imagers_while_serving) {
        auto started = start_imagers(config);
        if (!started) return fail(std::move(started.error()));
        state.imagers = std::move(*started);
    }
    if (state.works()) {
        if (auto working = state.start_work(); !working) return fail(std::move(working.error()));
    }
    if (auto serving = state.start_serving(); !serving) return fail(std::move(serving.error()));
    return system;
}

std::vector<std::uint16_t> System::ports() const {
    return state_->server->ports();
}

}  // namespace photogate::gateway::system
