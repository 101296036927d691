// The server's own figures, as the semantic conventions name them: `http_server_request_duration_seconds` by
// method, route and status, and what the accept loop and the pools are doing.
//
// Thread safety: on_request from any thread.
#pragma once

#include <compare>
#include <map>
#include <shared_mutex>

#include "gateway/http/metrics.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/work_pool.hpp"

namespace photogate::gateway::http {

class HttpMetrics final : public RequestObserver {
  public:
    /// `metrics` outlives this.
    explicit HttpMetrics(Metrics& metrics) : metrics_(metrics) {}
    void on_request(const RequestSummary& summary) noexcept override;

  private:
    /// Methods and routes are few and their names stay where they are.
    struct Key {
        const char* method;
        const char* route;
        int status;
        auto operator<=>(const Key&) const = default;
    };
    Metrics& metrics_;
    std::shared_mutex mutex_;
    std::map<Key, Histogram> series_;
};

/// Reads the server's counts at each rendering. The server outlives the last rendering.
void watch(Metrics& metrics, const Server& server);
/// As above, `photogate_pool_*{pool}`.
void watch(Metrics& metrics, const WorkPool& pool, const std::string& name);

/// `GET /metrics`.
Handler metrics_handler(Metrics& metrics);

}  // namespace photogate::gateway::http
