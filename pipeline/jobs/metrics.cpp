#include "pipeline/jobs/metrics.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tracing/tracing.hpp"
#include "imaging/picture.hpp"

namespace photogate::pipeline::jobs {
namespace {

/// From a file in the store to its final state: the promise is ten seconds.
const std::vector<double>& finish_buckets() {
    static const std::vector<double> buckets{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1'800, 21'600};
    return buckets;
}

/// Those that are given here and in the records; an app's hook has any others.
constexpr std::array<std::string_view, 7> kOwnCodes{"gone",           "size_mismatch", "checksum_mismatch",
                                                    "overwritten",    "malware_found", "file_not_scannable",
                                                    "refused_by_hook"};

/// A label's values are bounded, whatever words hooks reject with.
std::string label_of(const model::Upload& upload) {
    if (!upload.rejection) return {};
    const auto& code = upload.rejection->code;
    const bool ours = upload.state != model::UploadState::rejected || imaging::parse_rejection_code(code) ||
                      std::find(kOwnCodes.begin(), kOwnCodes.end(), code) != kOwnCodes.end();
    return ours ? code : "refused_by_hook";
}

telemetry::SeriesName finished_series(std::string result, std::string reason) {
    return {"photogate_uploads_finished_total",
            "Uploads by how they ended.",
            {{"result", std::move(result)}, {"reason", std::move(reason)}}};
}

telemetry::Histogram stage(telemetry::Metrics& metrics, const char* name) {
    return metrics.histogram(
        {"photogate_upload_stage_seconds", "How long a stage of one upload took.", {{"stage", name}}},
        telemetry::request_buckets());
}

}  // namespace

UploadMetrics::UploadMetrics(telemetry::Metrics& metrics)
    : metrics_(metrics),
      fetch_(stage(metrics, "fetch")),
      scan_(stage(metrics, "scan")),
      image_(stage(metrics, "image")),
      hook_(stage(metrics, "hook")),
      put_(stage(metrics, "put")),
      commit_(stage(metrics, "commit")),
      finish_(metrics.histogram({"photogate_upload_finish_seconds",
                                 "From the moment an upload's file was known of to its final state.",
                                 {}},
                                finish_buckets())) {
    // From the start on, so that the first one is seen as a rise.
    metrics.counter(finished_series("published", ""));
    metrics.counter(
        finished_series("rejected", std::string{imaging::to_string(imaging::RejectionCode::timeout)}));
    for (const auto code :
         {ErrorCode::imager_crashed, ErrorCode::internal, ErrorCode::file_error, ErrorCode::size_mismatch})
        metrics.counter(finished_series("failed", std::string{to_string(code)}));
}

void UploadMetrics::finished(const model::Upload& upload, const StageTimes& times) {
    const auto trace_id = tracing::current_trace_id();
    metrics_.counter(finished_series(std::string{to_string(upload.state)}, label_of(upload))).add();
    if (upload.received_at && upload.finished_at)
        finish_.observe(std::max(0.0, telemetry::seconds(*upload.finished_at - *upload.received_at)),
                        trace_id);
    if (upload.state != model::UploadState::published) return;
    fetch_.observe(telemetry::seconds(times.fetch), trace_id);
    if (times.scan.count() > 0) scan_.observe(telemetry::seconds(times.scan), trace_id);
    image_.observe(telemetry::seconds(times.image), trace_id);
    if (times.hook.count() > 0) hook_.observe(telemetry::seconds(times.hook), trace_id);
    put_.observe(telemetry::seconds(times.put), trace_id);
    commit_.observe(telemetry::seconds(times.commit), trace_id);
}

void watch(telemetry::Metrics& metrics, const Worker& worker) {
    for (const auto lane : kLanes) {
        const auto limit = worker.load(lane).limit;
        if (limit == 0) continue;
        const telemetry::Labels labels{{"lane", std::string{to_string(lane)}}};
        metrics
            .gauge(
                {"photogate_worker_concurrency", "Jobs that this worker may run at once, by lane.", labels})
            .set(static_cast<double>(limit));
        metrics.before_render(
            [&worker, lane,
             busy = metrics.gauge(
                 {"photogate_worker_jobs", "Jobs that this worker holds, by lane.", labels})]() mutable {
                busy.set(static_cast<double>(worker.load(lane).busy));
            });
    }
}

void watch(telemetry::Metrics& metrics, const HeldJobs& held) {
    metrics.before_render(
        [&held, released = metrics.mirrored_counter(
                    {"photogate_jobs_released_total",
                     "Uploads that waited for a gate and were let go on, because it was back or to find out.",
                     {}})]() mutable { released.show(held.released()); });
}

}  // namespace photogate::pipeline::jobs
