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

#include "gateway/system/foundation.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "notifier/callbacks/metrics.hpp"
#include "pipeline/jobs/metrics.hpp"
#include "pipeline/jobs/worker.hpp"
#include "pipeline/orphan_collector.hpp"
#include "pipeline/reconciler.hpp"

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
    void make_worker();
    void make_periodic_tasks();
    void make_sender();

    Foundation& base_;
    pipeline::jobs::UploadMetrics upload_metrics_;
    notifier::callbacks::CallbackMetrics callback_metrics_;
    std::optional<pipeline::jobs::Worker> worker_;
    std::optional<pipeline::Reconciler> reconciler_;
    std::optional<pipeline::OrphanCollector> orphan_collector_;
    std::optional<storage::http::HttpClient> callback_http_;
    std::optional<notifier::callbacks::CallbackSender> sender_;
    std::vector<std::thread> loops_;
};

}  // namespace photogate::gateway::system
