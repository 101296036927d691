#include "gateway/http/http_metrics.hpp"

#include <exception>
#include <mutex>

#include "base/log.hpp"

namespace photogate::gateway::http {

namespace {

/// A count that is kept elsewhere, as a Prometheus counter.
class Mirror {
  public:
    explicit Mirror(Counter counter) : counter_(counter) {}
    void show(std::uint64_t total) {
        if (total > shown_) counter_.add(static_cast<double>(total - shown_));
        shown_ = total;
    }

  private:
    Counter counter_;
    std::uint64_t shown_ = 0;
};

}  // namespace

void HttpMetrics::on_request(const RequestSummary& summary) noexcept {
    Key key{summary.method.data(), summary.route.data(), summary.status};
    try {
        {
            std::shared_lock lock(mutex_);
            if (auto known = series_.find(key); known != series_.end()) {
                known->second.observe(summary.duration.count());
                return;
            }
        }
        Histogram histogram =
            metrics_.histogram({"http_server_request_duration_seconds",
                                "From a request's first byte to its answer's last.",
                                {{"http_request_method", std::string{summary.method}},
                                 {"http_route", std::string{summary.route}},
                                 {"http_response_status_code", std::to_string(summary.status)}}},
                               request_buckets());
        histogram.observe(summary.duration.count());
        std::unique_lock lock(mutex_);
        series_.emplace(key, histogram);
    } catch (const std::exception& error) {
        log::error("http.metrics_exception", {{"what", error.what()}});
    }
}

void watch(Metrics& metrics, const Server& server) {
    Gauge connections = metrics.gauge({"photogate_http_connections", "Open connections.", {}});
    Gauge lag = metrics.gauge(
        {"photogate_http_loop_lag_seconds", "How late the slowest I/O thread came to its timer.", {}});
    Mirror accepted{metrics.counter({"photogate_http_accepted_total", "Connections accepted.", {}})};
    Mirror errors{metrics.counter({"photogate_http_accept_errors_total", "Failed accepts.", {}})};
    Mirror pauses{
        metrics.counter({"photogate_http_accept_pauses_total", "Accepting paused, at a limit.", {}})};
    Mirror gave_way{metrics.counter(
        {"photogate_http_gave_way_total", "Silent connections that ended for others at the limit.", {}})};
    Mirror turned_away{metrics.counter(
        {"photogate_http_turned_away_total", "Connections over what one address may have.", {}})};
    Mirror malformed{
        metrics.counter({"photogate_http_malformed_total", "Requests that broke a rule of HTTP.", {}})};
    Mirror timeouts{
        metrics.counter({"photogate_http_timeouts_total", "Requests or answers that stalled.", {}})};
    metrics.before_render([=, &server]() mutable {
        ServerStats stats = server.stats();
        connections.set(static_cast<double>(stats.connections));
        lag.set(static_cast<double>(stats.loop_lag.count()) / 1e6);
        accepted.show(stats.accepted);
        errors.show(stats.accept_errors);
        pauses.show(stats.accept_pauses);
        gave_way.show(stats.gave_way);
        turned_away.show(stats.turned_away);
        malformed.show(stats.malformed);
        timeouts.show(stats.timeouts);
    });
}

void watch(Metrics& metrics, const WorkPool& pool, const std::string& name) {
    Gauge waiting =
        metrics.gauge({"photogate_pool_waiting", "Work that waits for a thread.", {{"pool", name}}});
    Gauge active = metrics.gauge({"photogate_pool_active", "Threads at work.", {{"pool", name}}});
    Gauge threads = metrics.gauge({"photogate_pool_threads", "Threads.", {{"pool", name}}});
    Mirror finished{metrics.counter({"photogate_pool_finished_total", "Work done.", {{"pool", name}}})};
    Mirror refused{metrics.counter(
        {"photogate_pool_refused_total", "Work refused because the pool was full.", {{"pool", name}}})};
    metrics.before_render([=, &pool]() mutable {
        WorkPool::Counts counts = pool.counts();
        waiting.set(static_cast<double>(counts.waiting));
        active.set(static_cast<double>(counts.active));
        threads.set(static_cast<double>(counts.threads));
        finished.show(counts.finished);
        refused.show(counts.refused);
    });
}

Handler metrics_handler(Metrics& metrics) {
    return answer_with([&metrics](Request&) -> Result<Response> {
        Response response;
        response.set("Content-Type", metrics_content_type);
        response.body = metrics.render();
        return response;
    });
}

}  // namespace photogate::gateway::http
