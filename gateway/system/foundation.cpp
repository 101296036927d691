#include "gateway/system/foundation.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.hpp"
#include "gateway/access/package_links.hpp"
#include "gateway/routes/store_link.hpp"
#include "gateway/system/descriptors.hpp"
#include "gateway/system/imagers.hpp"
#include "gateway/system/link_keys.hpp"
#include "gateway/system/recipients.hpp"
#include "gateway/system/server_options.hpp"
#include "gateway/system/stores.hpp"

namespace photogate::gateway::system {

Foundation::Foundation(const config::Config& configuration, ProcessRole chosen)
    : config(configuration),
      role(chosen),
      log_format(::isatty(STDERR_FILENO) == 1 ? log::Format::text : log::Format::json),
      max_connections(allow_connections(config.server.max_connections, config.store.folder.empty() ? 1 : 2)),
      image_base(image_base_of(configuration)),
      registry(configuration),
      composer(image_base, random, recipients(apps), configuration.purges,
               [this](const model::Package& package) { return links_to(package); }) {}

Result<> Foundation::open() {
    auto opened = storage::records::Records::open(config.database, composer, clock, random);
    if (!opened) return fail(std::move(opened.error()));
    records = std::move(*opened);
    app_store.emplace(*records->database);
    packages.emplace(*records->database);
    backfills.emplace(*records->database);
    agree_on_time();
    if (auto ready = open_stores(); !ready) return ready;
    auto finder = placement::RegionFinder::open(config.placement.rules);
    if (!finder) return fail(std::move(finder.error()));
    region_finder = std::move(*finder);
    registry.use(config, token_secrets(config, stores));
    if (auto followed = registry.follow(*app_store); !followed) return followed;
    intake.emplace(records->uploads, records->arrivals, stores, clock);
    parts.emplace(records->uploads, stores);
    chunks.emplace(*records->database);
    assembler.emplace(pipeline::resumable::Assembler::Options{},
                      pipeline::resumable::Assembler::Dependencies{
                          *chunks, stores, [this](const model::Upload& upload) {
                              return intake->look(upload, storage::records::DiscoveredBy::reconciler);
                          }});
    StoreWatchOptions watching;
    watching.prove_every = config.worker.proof_interval;
    watching.read_clock_every = std::min(watching.read_clock_every, watching.prove_every);
    watching.prove = [this] { return probe_stores(config, *apps.now(), stores, s3_dependencies); };
    watching.agree_on_time = [this] { agree_on_time(); };
    watch.emplace(std::move(watching), stores, s3_dependencies, metrics);
    make_region_watch();
    if (builtin) {
        if (auto serving = builtin->serve(server_options(config.server, max_connections, http_metrics));
            !serving)
            return serving;
    }
    open_disk_cache();
    images.emplace(records->publications, stores, disk_cache.get());
    upload_watch.emplace(records->uploads);
    const waiting::Waiters::Options waiting{.limits = wait_limits(config.server, max_connections)};
    waiters.emplace(*upload_watch, waiting);
    package_watch.emplace(*packages);
    package_waiters.emplace(*package_watch, waiting::PackageWaiters::Options{.limits = waiting.limits},
                            waiters->places());
    return {};
}

void Foundation::make_region_watch() {
    RegionWatchOptions options;
    options.probe_every = config.placement.probe_interval;
    options.prove = [this](const pipeline::Store& store) -> Result<> {
        const auto report = probe_store(config, *apps.now(), store, s3_dependencies);
        if (!report) return fail(report.error());
        const std::vector<RegionReport> reports{RegionReport{store.region.name, *report, {}}};
        const auto failures = failures_of(reports);
        if (failures.empty() || config.unsafe == config::UnsafeStore::allow) return {};
        return fail(ErrorCode::unsafe_configuration, failures);
    };
    // The built-in store is this process, or one that it can't do without.
    options.unwatched = config.store.region;
    region_watch.emplace(std::move(options), stores, s3_dependencies, metrics);
}

notifier::callbacks::PackageLinks Foundation::links_to(const model::Package& package) const {
    const auto signer = registry.link_keys().now()->of(package.app);
    if (signer == nullptr) return {};
    return {access::package_url(image_base, *signer, package, package.expires_at),
            routes::offered_store_link(config.packages, stores, package, clock.now())};
}

/// A cache that can't be had costs time, and is no reason not to start.
void Foundation::open_disk_cache() {
    if (!serves() || config.delivery.disk_cache == 0) return;
    auto opened = delivery::DiskCache::open(
        {.folder = config.delivery.disk_cache_path, .limit = config.delivery.disk_cache});
    if (opened) {
        disk_cache = std::move(*opened);
    } else {
        log::warn("disk_cache.unavailable", {{"error", opened.error().detail}});
    }
}

/// Estimates the offset to the database's clock. Slow round trips are discarded as too imprecise.
Result<> Foundation::start_imagers() {
    if (!works() && !config.imagers_while_serving) return {};
    auto started = system::start_imagers(config);
    if (!started) return fail(std::move(started.error()));
    imagers = std::move(*started);
    return {};
}

void Foundation::agree_on_time() {
    const auto asked_at = std::chrono::steady_clock::now();
    const auto state = records->gauges.pipeline_state();
    if (!state || std::chrono::steady_clock::now() - asked_at > kClockNoise / 2) return;
    const auto ahead = state->database_ahead - (clock.now() - SystemClock{}.now());
    if (std::chrono::abs(ahead) >= kClockNoise)
        log::warn("clock.corrected",
                  {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(ahead).count()}});
    clock.correct(ahead);
}

/// Of the processes that share a built-in store's folder, the one that serves opens it.
Result<> Foundation::open_stores() {
    std::optional<OwnStore> own;
    if (!config.store.folder.empty() && serves()) {
        auto store = BuiltinStore::open(
            config, {clock, random, http_metrics,
                     [this](const storage::builtin::ObjectCreated& created) { take_in(created); }});
        if (!store) return fail(std::move(store.error()));
        builtin = std::move(*store);
        own = OwnStore{builtin->region(), builtin->objects()};
    }
    auto made = make_stores(config, s3_dependencies, std::move(own));
    if (!made) return fail(std::move(made.error()));
    stores = std::move(*made);
    return {};
}

/// The built-in store's events take the way of every store's. The reconciler finds what is lost here.
void Foundation::take_in(const storage::builtin::ObjectCreated& created) noexcept {
    try {
        if (!intake || created.bucket != builtin->region().incoming) return;
        const notifier::events::Source itself{.name = "built-in",
                                              .regions = {builtin->region().name},
                                              .belief = notifier::events::Belief::trust,
                                              .authenticator = nullptr};
        intake->take_in(itself, batch_of(created), {},
                        [key = created.key.str()](const Result<pipeline::IntakeSummary>& taken) {
                            if (!taken)
                                log::warn("event.lost", {{"key", key}, {"detail", taken.error().detail}});
                        });
    } catch (const std::exception& error) {
        log::error("event.exception", {{"what", error.what()}});
    }
}

Result<> Foundation::verify_safety() {
    const auto reports = probe_stores(config, *apps.now(), stores, s3_dependencies);
    if (!reports) return fail(reports.error());
    watch->found(*reports);
    watch->read_clocks();  // before the first upload is signed
    for (const auto& [region, report, away] : *reports) {
        if (away) {
            // Its jobs wait and it gets no uploads until it answers and is proved; the others are served.
            stores.of(region)->health->suspend();
            log::error("region.not_proved", {{"region", region},
                                             {"detail", away->detail},
                                             {"effect", "it gets no uploads until it answers"}});
        }
        for (const auto& finding : report.findings) {
            // What is unproved follows from a failure that says more.
            if (finding.verdict == storage::objects::Verdict::passed ||
                finding.verdict == storage::objects::Verdict::unproved)
                continue;
            log::warn("store.unsafe", {{"region", region},
                                       {"check", finding.check},
                                       {"detail", finding.detail},
                                       {"remedy", finding.remedy}});
        }
    }
    const auto failures = failures_of(*reports);
    if (failures.empty() || config.unsafe == config::UnsafeStore::allow) return {};
    return fail(ErrorCode::unsafe_configuration,
                "the store's credentials or buckets are not safe, so photogate does not start (--unsafe "
                "allows it):" +
                    failures);
}

}  // namespace photogate::gateway::system
