// The server's own figures, as the semantic conventions name them: `http_server_request_duration_seconds` by
// method, route and status, and what the accept loop and the pools are doing.
//
// Thread safety: on_request from any thread.
#pragma once

#include <atomic>
#include <compare>
#include <map>
#include <shared_mutex>

#include "base/telemetry/metrics.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/work_pool.hpp"

namespace photogate::gateway::http {

class HttpMetrics final : public RequestObserver {
  public:
    /// `metrics` outlives this.
    explicit HttpMetrics(telemetry::Metrics& metrics) : metrics_(metrics) {}
    void on_request(const RequestSummary& summary) noexcept override;

  private:
    /// Methods and routes are few and their names stay where they are.
    struct Key {
        const char* method;
        const char* route;
        int status;
        auto operator<=>(const Key&) const = default;
    };
    telemetry::Metrics& metrics_;
    std::shared_mutex mutex_;
    std::map<Key, telemetry::Histogram> series_;
};

/// `photogate_http_*`, read at each rendering; null until the server has started. Both outlive the last
/// rendering.
void watch(telemetry::Metrics& metrics, const std::atomic<const Server*>& server);
/// `photogate_pool_*{pool}`, likewise.
void watch(telemetry::Metrics& metrics, const WorkPool& pool);

}  // namespace photogate::gateway::http
