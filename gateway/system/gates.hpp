// What stands before a grant and before a publication: apps' hooks, and the malware scanner.
//
// Thread safety: any thread. stop() before what the answers use ends.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "gateway/config/config.hpp"
#include "model/policy/profile.hpp"
#include "notifier/gates/call_pool.hpp"
#include "notifier/gates/hook_caller.hpp"
#include "pipeline/jobs/publish_gates.hpp"
#include "scanner/scanner.hpp"
#include "storage/http/http_client.hpp"
#include "storage/records/job_queue.hpp"

namespace photogate::gateway::system {

/// Of callbacks and hooks: it connects to no address that callbacks may not go to. `config` outlives the client.
storage::http::ClientOptions callback_client(const config::Config& config);

class Gates {
  public:
    /// All outlive this.
    Gates(const config::Config& config, const model::LiveApps& apps, const std::string& image_base,
          const Clock& clock, telemetry::Metrics& metrics);

    /// As UploadService's `ask_hook`.
    void ask_before_grant(const model::Upload& upload, const std::string& repeated_as,
                          std::function<void(Result<>)> done);
    /// Of the worker.
    pipeline::jobs::PublishGates publish_gates();
    /// Which of the configuration's gates are away, and which may be back. Those that nothing is known of are in neither.
    storage::records::HeldJobs held() const;
    /// Whoever waits for a hook is told that there is no verdict; calls that are under way end.
    void stop() { pool_.join(); }

  private:
    std::optional<pipeline::jobs::GateAway> away(const model::Profile& profile);
    Result<std::optional<pipeline::jobs::HookRefusal>> ask_before_publish(
        const pipeline::jobs::Proven& proven);
    notifier::gates::Links links_of(const model::Upload& upload) const;

    const config::Config& config_;
    const model::LiveApps& apps_;
    const std::string& image_base_;
    const Clock& clock_;
    storage::http::HttpClient http_;
    mutable notifier::gates::HookCaller caller_;
    scanner::ScannerMetrics scanner_metrics_;
    std::optional<scanner::Scanner> scanner_;
    notifier::gates::CallPool pool_;  ///< last: its work uses the rest
};

}  // namespace photogate::gateway::system
