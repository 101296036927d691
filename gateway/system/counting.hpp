// What the program counts besides its requests: uploads by their end, stages, and the backlog when
// somebody looks.
//
// Thread safety: any thread. Outlives the server and the worker.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "delivery/byte_budget.hpp"
#include "delivery/published_images.hpp"
#include "gateway/http/http_metrics.hpp"
#include "gateway/http/metrics.hpp"
#include "gateway/routes/waiters.hpp"
#include "gateway/system/builtin_store.hpp"
#include "imaging/imager_pool.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "pipeline/jobs/publish_upload.hpp"
#include "pipeline/jobs/worker.hpp"
#include "pipeline/orphan_collector.hpp"
#include "pipeline/reconciler.hpp"
#include "storage/records/gauges.hpp"

namespace photogate::gateway::system {

/// `photogate_uploads_finished_total{result,reason}`, `photogate_upload_finish_seconds` and
/// `photogate_upload_stage_seconds{stage}`.
class UploadCounting {
  public:
    explicit UploadCounting(http::Metrics& metrics);
    void finished(const model::Upload& upload, const pipeline::jobs::StageTimes& times);

  private:
    http::Metrics& metrics_;
    http::Histogram fetch_, image_, put_, commit_, finish_;
};

/// `photogate_callback_attempts_total{result}` and `photogate_callback_attempt_seconds`. A result is
/// `delivered` or the class of the error.
class CallbackCounting {
  public:
    explicit CallbackCounting(http::Metrics& metrics);
    void attempted(const model::CallbackAttempt& attempt);

  private:
    http::Metrics& metrics_;
    http::Histogram seconds_;
};

/// What is read when /metrics is. Null parts are left out; the others outlive the metrics' last rendering.
struct CountedComponents {
    storage::records::Gauges* gauges = nullptr;
    const pipeline::Reconciler* reconciler = nullptr;
    const pipeline::OrphanCollector* collector = nullptr;
    const notifier::callbacks::CallbackSender* sender = nullptr;
    const imaging::ImagerPool* imagers = nullptr;
    const pipeline::jobs::Worker* worker = nullptr;
    const std::atomic<const http::Server*>* server = nullptr;
    const routes::Waiters* waiters = nullptr;
    const delivery::PublishedImages* images = nullptr;
    const delivery::ByteBudget* image_budget = nullptr;
    const BuiltinStore* builtin = nullptr;
    std::vector<const http::WorkPool*> pools;
    std::map<std::string, std::filesystem::path> folders;  ///< by what they hold
    /// How old the figures of Gauges::pipeline_state() may be.
    std::chrono::milliseconds state_at_most_every{15'000};
};
void count_parts(http::Metrics& metrics, const CountedComponents& parts);

}  // namespace photogate::gateway::system
