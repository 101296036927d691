#include "gateway/http/http_metrics.hpp"

#include <chrono>
#include <exception>
#include <mutex>

#include "base/log.hpp"

namespace photogate::gateway::http {

void HttpMetrics::on_request(const RequestSummary& summary) noexcept {
    Key key{summary.method.data(), summary.route.data(), summary.status};
    try {
        {
            std::shared_lock lock(mutex_);
            if (auto known = series_.find(key); known != series_.end()) {
                known->second.observe(summary.duration.count(), summary.trace_id);
                return;
            }
        }
        telemetry::Histogram histogram =
            metrics_.histogram({"http_server_request_duration_seconds",
                                "From a request's first byte to its answer's last.",
                                {{"http_request_method", std::string{summary.method}},
                                 {"http_route", std::string{summary.route}},
                                 {"http_response_status_code", std::to_string(summary.status)}}},
                               telemetry::request_buckets());
        histogram.observe(summary.duration.count(), summary.trace_id);
        std::unique_lock lock(mutex_);
        series_.emplace(key, histogram);
    } catch (const std::exception& error) {
        log::error("http.metrics_exception", {{"what", error.what()}});
    }
}

void watch(telemetry::Metrics& metrics, const std::atomic<const Server*>& server) {
    const auto mirror = [&metrics](const char* name, const char* help) {
        return metrics.mirrored_counter({name, help, {}});
    };
    metrics.before_render(
        [&server, connections = metrics.gauge({"photogate_http_connections", "Open client connections.", {}}),
         lag = metrics.gauge(
             {"photogate_http_loop_lag_seconds", "How late the slowest I/O thread came to its timer.", {}}),
         accepted = mirror("photogate_http_accepted_total", "Connections accepted."),
         errors = mirror("photogate_http_accept_errors_total", "Failed accepts."),
         pauses = mirror("photogate_http_accept_pauses_total",
                         "Accepting paused, at a limit of connections or descriptors."),
         evicted = mirror("photogate_http_evicted_total", "Connections that ended for others at the limit."),
         gave_way = mirror("photogate_http_gave_way_total", "Former name of photogate_http_evicted_total."),
         evicted_waits = mirror("photogate_http_evicted_waits_total",
                                "Waiting requests among those that ended for others."),
         abandoned =
             mirror("photogate_http_abandoned_total", "Requests whose clients went before the answer."),
         rejected_over_limit = mirror("photogate_http_rejected_over_limit_total",
                                      "Connections over what one address may have."),
         turned_away = mirror("photogate_http_turned_away_total",
                              "Former name of photogate_http_rejected_over_limit_total."),
         malformed = mirror("photogate_http_malformed_total", "Requests that broke a rule of HTTP."),
         timeouts = mirror("photogate_http_timeouts_total", "Requests or answers that stalled.")]() mutable {
            const Server* const started = server.load();
            if (!started) return;
            const ServerStats stats = started->stats();
            connections.set(static_cast<double>(stats.connections));
            lag.set(std::chrono::duration<double>(stats.loop_lag).count());
            accepted.show(stats.accepted);
            errors.show(stats.accept_errors);
            pauses.show(stats.accept_pauses);
            evicted.show(stats.evicted);
            gave_way.show(stats.evicted);
            evicted_waits.show(stats.evicted_waits);
            abandoned.show(stats.abandoned);
            rejected_over_limit.show(stats.rejected_over_limit);
            turned_away.show(stats.rejected_over_limit);
            malformed.show(stats.malformed);
            timeouts.show(stats.timeouts);
        });
}

void watch(telemetry::Metrics& metrics, const WorkPool& pool) {
    const telemetry::Labels labels{{"pool", pool.name()}};
    metrics.before_render(
        [&pool, waiting = metrics.gauge({"photogate_pool_waiting", "Work that waits for a thread.", labels}),
         active = metrics.gauge({"photogate_pool_active", "Threads at work.", labels}),
         threads = metrics.gauge({"photogate_pool_threads", "Threads.", labels}),
         finished = metrics.mirrored_counter({"photogate_pool_finished_total", "Work done.", labels}),
         refused = metrics.mirrored_counter(
             {"photogate_pool_refused_total", "Work refused because the pool was full.", labels})]() mutable {
            const WorkPool::Counts counts = pool.counts();
            waiting.set(static_cast<double>(counts.waiting));
            active.set(static_cast<double>(counts.active));
            threads.set(static_cast<double>(counts.threads));
            finished.show(counts.finished);
            refused.show(counts.refused);
        });
}

}  // namespace photogate::gateway::http
