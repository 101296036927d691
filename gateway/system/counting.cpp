#include "gateway/system/counting.hpp"

#include <exception>
#include <string>

#include "base/log_stats.hpp"

namespace photogate::gateway::system {
namespace {

double seconds(std::chrono::milliseconds time) {
    return std::chrono::duration<double>(time).count();
}
double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

http::Histogram stage(http::Metrics& metrics, const char* name) {
    return metrics.histogram(
        {"photogate_upload_stage_seconds", "How long a stage of one upload took.", {{"stage", name}}},
        http::request_buckets());
}

}  // namespace

void RequestCounting::on_request(const http::RequestSummary& summary) noexcept {
    // The series of a busy route are few; each thread remembers its own handles, so counting takes no lock.
    struct Key {
        std::string method, route;
        int status;
        auto operator<=>(const Key&) const = default;
    };
    thread_local std::map<Key, http::Histogram> known;
    try {
        Key key{std::string{summary.method}, std::string{summary.route}, summary.status};
        auto found = known.find(key);
        if (found == known.end()) {
            const auto histogram =
                metrics_.histogram({"http_server_request_duration_seconds",
                                    "Duration of HTTP requests.",
                                    {{"http_request_method", key.method},
                                     {"http_route", key.route},
                                     {"http_response_status_code", std::to_string(key.status)}}},
                                   http::request_buckets());
            found = known.emplace(std::move(key), histogram).first;
        }
        found->second.observe(summary.duration.count());
    } catch (const std::exception&) {
        // Not counted: an exhausted machine has worse to tell.
    }
}

UploadCounting::UploadCounting(http::Metrics& metrics)
    : metrics_(metrics),
      fetch_(stage(metrics, "fetch")),
      image_(stage(metrics, "image")),
      put_(stage(metrics, "put")),
      commit_(stage(metrics, "commit")) {}

void UploadCounting::finished(const storage::records::Upload& upload, const pipeline::StageTimes& times) {
    const auto reason = upload.rejection ? upload.rejection->code : std::string{};
    metrics_
        .counter({"photogate_uploads_finished_total",
                  "Uploads by how they ended.",
                  {{"result", std::string{to_string(upload.state)}}, {"reason", reason}}})
        .add();
    if (upload.state != storage::records::UploadState::published) return;
    fetch_.observe(seconds(times.fetch));
    image_.observe(seconds(times.image));
    put_.observe(seconds(times.put));
    commit_.observe(seconds(times.commit));
}

void count_parts(http::Metrics& metrics, const CountedParts& parts) {
    const auto gauge = [&](const char* name, const char* help, http::Labels labels = {}) {
        return metrics.gauge({name, help, std::move(labels)});
    };
    auto jobs_ready = gauge("photogate_queue_depth", "What waits, by queue.", {{"queue", "jobs"}});
    auto callbacks_waiting =
        gauge("photogate_queue_depth", "What waits, by queue.", {{"queue", "callbacks"}});
    auto callbacks_dead =
        gauge("photogate_queue_depth", "What waits, by queue.", {{"queue", "callbacks_dead"}});
    auto jobs_oldest = gauge("photogate_queue_oldest_seconds", "Age of the oldest that waits, by queue.",
                             {{"queue", "jobs"}});
    auto callbacks_oldest = gauge("photogate_queue_oldest_seconds", "Age of the oldest that waits, by queue.",
                                  {{"queue", "callbacks"}});
    auto leased = gauge("photogate_jobs_leased", "Jobs that a worker holds.");
    auto found = gauge("photogate_reconciler_found",
                       "Objects found by looking, whose event was lost, since the start.");
    auto reaped = gauge("photogate_reconciler_reaped", "Leases that ran out, since the start.");
    auto crashed = gauge("photogate_imager_crashed", "Image helpers that died at work, since the start.");
    auto timed_out = gauge("photogate_imager_timed_out",
                           "Image helpers that were killed for their time, since the start.");
    auto delivered = gauge("photogate_callbacks_delivered", "Callbacks delivered, since the start.");
    auto failed = gauge("photogate_callbacks_failed", "Attempts at callbacks that failed, since the start.");
    auto connections = gauge("photogate_http_connections", "Open client connections.");
    auto unlogged =
        gauge("photogate_log_lines_dropped", "Lines of log that nobody was there to read, since the start.");
    metrics.before_render([=]() mutable {
        if (parts.records) {
            if (const auto backlog = parts.records->backlog()) {
                jobs_ready.set(static_cast<double>(backlog->jobs_ready));
                leased.set(static_cast<double>(backlog->jobs_leased));
                jobs_oldest.set(seconds(backlog->oldest_ready));
                callbacks_waiting.set(static_cast<double>(backlog->callbacks_waiting));
                callbacks_dead.set(static_cast<double>(backlog->callbacks_dead));
                callbacks_oldest.set(seconds(backlog->oldest_callback));
            }
        }
        if (parts.reconciler) {
            const auto counters = parts.reconciler->counters();
            found.set(static_cast<double>(counters.found));
            reaped.set(static_cast<double>(counters.requeued + counters.spent));
        }
        if (parts.imagers) {
            const auto counters = parts.imagers->counters();
            crashed.set(static_cast<double>(counters.crashed));
            timed_out.set(static_cast<double>(counters.timed_out));
        }
        if (parts.sender) {
            const auto counters = parts.sender->counters();
            delivered.set(static_cast<double>(counters.delivered));
            failed.set(static_cast<double>(counters.failed));
        }
        unlogged.set(static_cast<double>(log::dropped()));
        if (parts.server && *parts.server)
            connections.set(static_cast<double>((*parts.server)->stats().connections));
    });
}

}  // namespace photogate::gateway::system
