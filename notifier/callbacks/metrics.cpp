#include "notifier/callbacks/metrics.hpp"

namespace photogate::notifier::callbacks {

CallbackMetrics::CallbackMetrics(telemetry::Metrics& metrics)
    : metrics_(metrics),
      seconds_(metrics.histogram(
          {"photogate_callback_attempt_seconds", "How long one attempt at a callback took.", {}},
          telemetry::request_buckets())) {}

void CallbackMetrics::attempted(const model::CallbackAttempt& attempt) {
    const bool delivered = attempt.verdict == model::CallbackAttempt::Verdict::delivered;
    if (const auto hook = model::hook_of(attempt.endpoint.app)) {
        metrics_
            .counter({"photogate_purge_attempts_total",
                      "Attempts at purging images from caches by what came of them.",
                      {{"hook", std::string{*hook}}, {"result", delivered ? "delivered" : attempt.error}}})
            .add();
        return;
    }
    metrics_
        .counter({"photogate_callback_attempts_total",
                  "Attempts at callbacks by what came of them.",
                  {{"result", delivered ? "delivered" : attempt.error}}})
        .add();
    seconds_.observe(telemetry::seconds(attempt.latency));
}

void watch(telemetry::Metrics& metrics, const CallbackSender& sender) {
    metrics.before_render(
        [&sender, dead = metrics.mirrored_counter({"photogate_callbacks_dead_total",
                                                   "Callbacks given up after the last attempt.",
                                                   {}})]() mutable { dead.show(sender.counters().dead); });
}

}  // namespace photogate::notifier::callbacks
