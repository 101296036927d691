#include "gateway/system/work_module.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/version.hpp"
#include "delivery/metrics.hpp"
#include "gateway/system/event_sources.hpp"
#include "gateway/system/worker_setup.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/resumable/metrics.hpp"
#include "signer/webhook_signature.hpp"

namespace photogate::gateway::system {
namespace {

notifier::callbacks::SecretsOf secrets(const model::LiveApps& live) {
    return [&live](const AppName& name) {
        const auto apps = live.now();
        const auto app = apps->find(name);
        return app == apps->end() ? std::vector<signer::WebhookSecret>{} : app->second.callback_secrets;
    };
}

std::string worker_name() {
    char host[256] = "host";
    if (::gethostname(host, sizeof host - 1) != 0) return fmt::format("pid-{}", ::getpid());
    return fmt::format("{}-{}", host, ::getpid());
}

std::chrono::seconds longest_grant(const model::Apps& apps) {
    std::chrono::seconds longest = pipeline::kResumableLife;
    for (const auto& [name, app] : apps) {
        for (const auto& [profile_name, profile] : app.profiles)
            longest = std::max(longest, profile.longest_expiry);
    }
    return longest;
}

}  // namespace

WorkModule::WorkModule(Foundation& foundation)
    : base_(foundation),
      catalog_(foundation.apps, foundation.stores),
      upload_metrics_(foundation.metrics),
      callback_metrics_(foundation.metrics),
      event_sources_(event_sources_of(foundation.config, foundation.clock)),
      event_metrics_(foundation.metrics, event_sources_) {}

WorkModule::~WorkModule() {
    request_stop();
    join();
}

void WorkModule::start() {
    make_part_collector();
    make_resumable_collector();
    make_worker();
    make_periodic_tasks();
    make_version_evictor();
    backfill_feeder_.emplace(delivery::BackfillFeeder::Options{},
                             delivery::BackfillFeeder::Dependencies{*base_.backfills, base_.apps});
    make_sender();
    make_queue_pollers();
    loops_.emplace_back([this] { worker_->run(); });
    loops_.emplace_back([this] { held_jobs_->run(); });
    loops_.emplace_back([this] { reconciler_->run(); });
    loops_.emplace_back([this] { orphan_collector_->run(); });
    loops_.emplace_back([this] { part_collector_->run(); });
    loops_.emplace_back([this] { resumable_collector_->run(); });
    loops_.emplace_back([this] { version_evictor_->run(); });
    loops_.emplace_back([this] { backfill_feeder_->run(); });
    loops_.emplace_back([this] { base_.watch->run(); });
    loops_.emplace_back([this] { sender_->run(); });
    for (const auto& asked : queues_)
        loops_.emplace_back([&poller = asked->poller] { poller.run(); });
}

void WorkModule::make_worker() {
    delivery::VersionRenderer::Options rendering;
    rendering.lane = imaging::Lane::uploads;
    rendering.priority = imaging::Priority::low;
    renderer_.emplace(
        delivery::VersionRenderer::Dependencies{base_.records->versions, *base_.images, *base_.imagers},
        rendering);
    ahead_.emplace(*base_.imagers, base_.config.delivery.variants_budget);
    package_builds_.emplace(*base_.records->database);
    auto handlers = job_handlers(
        {base_.records->publications, base_.records->uploads, base_.stores, base_.apps,
         [this](const imaging::Task& task) { return base_.imagers->run(task); },
         [this](const model::Upload& upload, const pipeline::jobs::StageTimes& times) {
             upload_metrics_.finished(upload, times);
             base_.waiters->finished(upload);
         },
         [this](const pipeline::jobs::Ahead& image) {
             return ahead_->make({image.job.upload, image.profile, image.store, image.image, image.exif_json,
                                  image.bytes, image.job.party});
         },
         base_.gates.publish_gates()},
        {base_.records->variants, *base_.images, base_.apps,
         [this](const delivery::VersionOrder& order, delivery::VersionRenderer::Deadline deadline) {
             return renderer_->attempt(order, deadline);
         }},
        {*package_builds_, *base_.packages, base_.stores,
         [this](const PackageId& id) { base_.package_waiters->settled(id); }},
        base_.records->versions,
        [this](const model::Upload& upload) {
            return base_.intake->look(upload, storage::records::DiscoveredBy::reconciler);
        },
        [this](const UploadId& id) { base_.waiters->settled(id); },
        [this](const model::Upload& upload) { return part_collector_->abort_all(upload); });
    add_preparation(handlers);
    auto options = worker_options(base_.config.worker, worker_name());
    options.away = [this] {
        return base_.stores.all().size() < 2 ? std::vector<std::string>{} : base_.stores.down();
    };
    worker_.emplace(std::move(options), base_.records->jobs, std::move(handlers), base_.random);
    held_jobs_.emplace(pipeline::jobs::HeldJobs::Options{}, base_.records->jobs,
                       [this] { return base_.gates.held(); });
}

void WorkModule::add_preparation(pipeline::jobs::Handlers& handlers) {
    namespace packages = pipeline::packages;
    preparations_.emplace(*base_.records->database);
    package_metrics_.emplace(base_.metrics);
    packed_versions_.emplace(*base_.images, [this](const delivery::VersionOrder& order,
                                                   delivery::VersionRenderer::Deadline deadline) {
        return renderer_->attempt(order, deadline);
    });
    packages::PrepareOptions options;
    // As long as one is fetched or put, another is rendered.
    options.items_at_once = base_.config.imaging.processes + 2;
    handlers.add(std::make_unique<packages::PreparePackage>(packages::PreparePackage::Dependencies{
        *preparations_, catalog_, delivery::packed_version,
        [this](const packages::VersionWanted& wanted) { return packed_versions_->make(wanted); },
        package_limits(base_.config.packages), base_.clock,
        [this](packages::Preparing what, std::size_t times) { package_metrics_->count(what, times); },
        options}));
}

void WorkModule::make_part_collector() {
    pipeline::PartCollectorOptions options;
    options.every = base_.config.worker.reconcile_interval;
    options.keep = base_.config.worker.keep_parts;
    options.unnamed_age = std::min(options.unnamed_age, options.keep);
    options.again_after_failure = std::min(options.again_after_failure, options.keep);
    part_collector_.emplace(options, pipeline::PartCollectorDependencies{
                                         base_.records->upkeep, *base_.parts, base_.stores,
                                         [this](const model::Upload& upload) {
                                             return base_.intake->look(
                                                 upload, storage::records::DiscoveredBy::reconciler);
                                         },
                                         base_.clock});
}

void WorkModule::make_resumable_collector() {
    pipeline::resumable::Collector::Options options;
    options.every =
        std::min<std::chrono::milliseconds>(options.every, base_.config.worker.reconcile_interval);
    resumable_collector_.emplace(
        options, pipeline::resumable::Collector::Dependencies{base_.records->upkeep, base_.records->uploads,
                                                              *base_.chunks, *base_.assembler, base_.clock});
}

void WorkModule::make_periodic_tasks() {
    pipeline::ReconcilerOptions rounds;
    rounds.list_every = base_.config.worker.reconcile_interval;
    rounds.look_every =
        std::min<std::chrono::milliseconds>(rounds.look_every, base_.config.worker.reconcile_interval);
    rounds.reap_every = base_.config.worker.reap_interval;
    rounds.grace = base_.config.worker.expiry_grace;
    rounds.longest_grant = [this] { return longest_grant(*base_.apps.now()); };
    auto& records = *base_.records;
    reconciler_.emplace(
        rounds, pipeline::ReconcilerDependencies{records.upkeep, records.jobs, records.arrivals, base_.stores,
                                                 *base_.intake, base_.clock});
    pipeline::OrphanCollectorOptions sweeps;
    sweeps.every = base_.config.worker.sweep_interval;
    sweeps.ask_every = std::min(sweeps.ask_every, sweeps.every);
    sweeps.min_age = base_.config.worker.sweep_age;
    orphan_collector_.emplace(
        sweeps, pipeline::OrphanCollectorDependencies{
                    records.upkeep, records.arrivals, records.publications, base_.stores, base_.clock,
                    [this](const Bucket& bucket, const std::vector<ObjectKey>& keys) {
                        return package_builds_->named_among(bucket, keys);
                    }});
}

void WorkModule::make_version_evictor() {
    delivery::VersionEvictor::Options options;
    options.unused_for = base_.config.delivery.keep_unused_versions;
    options.every = std::min(options.every, base_.config.worker.sweep_interval);
    options.ask_every = std::min(options.ask_every, options.every);
    version_eviction_.emplace(*base_.records->database);
    version_evictor_.emplace(options,
                             delivery::VersionEvictor::Dependencies{base_.records->upkeep, *version_eviction_,
                                                                    base_.stores, base_.apps});
}

void WorkModule::make_sender() {
    callback_http_.emplace(callback_client(base_.config));
    sender_.emplace(
        base_.config.callbacks.sender, base_.records->outbox, *callback_http_, secrets(base_.apps),
        base_.clock, base_.random,
        [this](const model::CallbackAttempt& attempt) { callback_metrics_.attempted(attempt); },
        base_.config.purges);
}

WorkModule::AskedQueue::AskedQueue(const config::EventSource& configured, storage::http::HttpClient& http,
                                   const notifier::events::Source& source, Foundation& base,
                                   const pipeline::EventMetrics& metrics)
    : queue(configured.queue, http),
      poller({configured.queue_interval}, {queue, source, *base.intake, metrics, base.clock}) {}

void WorkModule::make_queue_pollers() {
    storage::http::ClientOptions options;
    options.user_agent = kUserAgent;
    queue_http_.emplace(std::move(options));
    for (const auto& [name, configured] : base_.config.events) {
        if (configured.queue.url.empty()) continue;
        queues_.push_back(std::make_unique<AskedQueue>(configured, *queue_http_, *event_sources_.find(name),
                                                       base_, event_metrics_));
    }
}

void WorkModule::request_stop() {
    for (const auto& asked : queues_)
        asked->poller.stop();
    if (worker_) worker_->stop();
    if (held_jobs_) held_jobs_->stop();
    if (reconciler_) reconciler_->stop();
    if (orphan_collector_) orphan_collector_->stop();
    if (part_collector_) part_collector_->stop();
    if (resumable_collector_) resumable_collector_->stop();
    if (version_evictor_) version_evictor_->stop();
    if (backfill_feeder_) backfill_feeder_->stop();
    if (!loops_.empty()) base_.watch->stop();
    if (sender_) sender_->stop();
}

void WorkModule::join() {
    for (auto& loop : loops_)
        loop.join();
    loops_.clear();
}

void WorkModule::watch_all() const {
    pipeline::watch(base_.metrics, *reconciler_);
    pipeline::watch(base_.metrics, *orphan_collector_);
    pipeline::watch(base_.metrics, *part_collector_);
    pipeline::resumable::watch(base_.metrics, *resumable_collector_);
    delivery::watch(base_.metrics, *version_evictor_);
    delivery::watch(base_.metrics, *backfill_feeder_);
    pipeline::jobs::watch(base_.metrics, *worker_);
    pipeline::jobs::watch(base_.metrics, *held_jobs_);
    delivery::watch(base_.metrics, *ahead_);
    notifier::callbacks::watch(base_.metrics, *sender_);
    for (const auto& asked : queues_)
        pipeline::watch(base_.metrics, asked->poller);
}

}  // namespace photogate::gateway::system
