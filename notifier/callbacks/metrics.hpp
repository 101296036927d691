// Attempts at callbacks, and callbacks that were given up, as metrics.
//
// Thread safety: attempted() from any thread; watch() before anybody renders.
#pragma once

#include "base/telemetry/metrics.hpp"
#include "model/callback.hpp"
#include "notifier/callbacks/callback_sender.hpp"

namespace photogate::notifier::callbacks {

/// `photogate_callback_attempts_total{result}` and `photogate_callback_attempt_seconds`. A result is
/// `delivered` or the class of the error. Purges are counted apart, `photogate_purge_attempts_total{hook,result}`.
class CallbackMetrics {
  public:
    /// `metrics` outlives this.
    explicit CallbackMetrics(telemetry::Metrics& metrics);
    void attempted(const model::CallbackAttempt& attempt);

  private:
    telemetry::Metrics& metrics_;
    telemetry::Histogram seconds_;
};

/// `photogate_callbacks_dead_total`. `sender` outlives the last rendering.
void watch(telemetry::Metrics& metrics, const CallbackSender& sender);

}  // namespace photogate::notifier::callbacks
