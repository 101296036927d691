// How uploads end and how long their stages take, and what the worker is at, as metrics.
//
// Thread safety: finished() from any thread; watch() before anybody renders.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "model/upload.hpp"
#include "pipeline/jobs/held_jobs.hpp"
#include "pipeline/jobs/publish_upload.hpp"
#include "pipeline/jobs/worker.hpp"

namespace photogate::pipeline::jobs {

/// `photogate_uploads_finished_total{result,reason}`, where every code of an app's own hook is `refused_by_hook`, `photogate_upload_finish_seconds` and
/// `photogate_upload_stage_seconds{stage}`.
class UploadMetrics {
  public:
    /// `metrics` outlives this.
    explicit UploadMetrics(telemetry::Metrics& metrics);
    void finished(const model::Upload& upload, const StageTimes& times);

  private:
    telemetry::Metrics& metrics_;
    telemetry::Histogram fetch_, scan_, image_, hook_, put_, commit_, finish_;
};

/// `photogate_worker_jobs{lane}` and `photogate_worker_concurrency{lane}`, for lanes that have handlers.
/// `worker` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const Worker& worker);
/// `photogate_jobs_released_total`; as above.
void watch(telemetry::Metrics& metrics, const HeldJobs& held);

}  // namespace photogate::pipeline::jobs
