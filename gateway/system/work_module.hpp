// What a process that works runs: the worker, the periodic tasks and the callback sender, each on a thread of
// its own.
//
// Stop order: request_stop() lets every loop end after what it is at; join() waits for them. Jobs that are not
// finished are given back by then.
//
// Thread safety: start(), request_stop() and join() on one thread.
#pragma once

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "delivery/backfill_feeder.hpp"
#include "delivery/packed_version.hpp"
#include "delivery/variants_ahead.hpp"
#include "delivery/version_evictor.hpp"
#include "delivery/version_renderer.hpp"
#include "gateway/system/foundation.hpp"
#include "gateway/system/package_metrics.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "notifier/callbacks/metrics.hpp"
#include "notifier/events/source.hpp"
#include "notifier/queues/r2_queue.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/event_metrics.hpp"
#include "pipeline/jobs/held_jobs.hpp"
#include "pipeline/jobs/metrics.hpp"
#include "pipeline/jobs/worker.hpp"
#include "pipeline/orphan_collector.hpp"
#include "pipeline/part_collector.hpp"
#include "pipeline/queue_poller.hpp"
#include "pipeline/reconciler.hpp"
#include "pipeline/resumable/collector.hpp"
#include "storage/packages/package_builds.hpp"
#include "storage/packages/package_preparations.hpp"

namespace photogate::gateway::system {

class WorkModule {
  public:
    /// `foundation` is open, has started its imagers and outlives this.
    explicit WorkModule(Foundation& foundation);
    ~WorkModule();
    WorkModule(const WorkModule&) = delete;
    WorkModule& operator=(const WorkModule&) = delete;

    void start();
    void request_stop();
    void join();

    /// Adds what is read of this module with each rendering of the metrics. After start().
    void watch_all() const;

  private:
    void make_part_collector();
    void make_resumable_collector();
    void make_worker();
    void add_preparation(pipeline::jobs::Handlers& handlers);
    void make_periodic_tasks();
    void make_version_evictor();
    void make_sender();
    void make_queue_pollers();

    Foundation& base_;
    const pipeline::Catalog catalog_;
    pipeline::jobs::UploadMetrics upload_metrics_;
    notifier::callbacks::CallbackMetrics callback_metrics_;
    std::optional<delivery::VersionRenderer> renderer_;  ///< of what is made ahead
    std::optional<delivery::VariantsAhead> ahead_;
    std::optional<storage::packages::PackageBuilds> package_builds_;
    std::optional<storage::packages::PostgresPackagePreparations> preparations_;
    std::optional<delivery::PackedVersionMaker> packed_versions_;
    std::optional<PackageMetrics> package_metrics_;
    std::optional<pipeline::PartCollector> part_collector_;  ///< above the worker, whose jobs use it
    std::optional<pipeline::resumable::Collector> resumable_collector_;
    std::optional<pipeline::jobs::Worker> worker_;
    std::optional<pipeline::jobs::HeldJobs> held_jobs_;
    std::optional<pipeline::Reconciler> reconciler_;
    std::optional<pipeline::OrphanCollector> orphan_collector_;
    std::optional<storage::variants::VersionEviction> version_eviction_;
    std::optional<delivery::VersionEvictor> version_evictor_;
    std::optional<delivery::BackfillFeeder> backfill_feeder_;
    std::optional<storage::http::HttpClient> callback_http_;
    std::optional<notifier::callbacks::CallbackSender> sender_;
    /// A queue of store events, and who asks it.
    struct AskedQueue {
        notifier::queues::R2Queue queue;
        pipeline::QueuePoller poller;
        AskedQueue(const config::EventSource& configured, storage::http::HttpClient& http,
                   const notifier::events::Source& source, Foundation& base,
                   const pipeline::EventMetrics& metrics);
    };
    notifier::events::Sources event_sources_;
    pipeline::EventMetrics event_metrics_;
    std::optional<storage::http::HttpClient> queue_http_;
    std::vector<std::unique_ptr<AskedQueue>> queues_;
    std::vector<std::thread> loops_;
};

}  // namespace photogate::gateway::system
