#include "gateway/waiting/wait_metrics.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace photogate::gateway::waiting {

void watch(telemetry::Metrics& metrics, const Waiters& uploads, const PackageWaiters& packages) {
    std::vector<telemetry::MirroredCounter> refused;
    for (const auto limit : access::ClientPlaces::kLimits)
        refused.push_back(
            metrics.mirrored_counter({"photogate_waits_refused_total",
                                      "Requests to wait that were refused, by the limit that they met.",
                                      {{"limit", to_string(limit)}}}));
    metrics.before_render(
        [&uploads, &packages, refused = std::move(refused),
         waiting = metrics.gauge({"photogate_waits", "Requests that wait for an upload or a package.", {}}),
         abandoned = metrics.mirrored_counter(
             {"photogate_waits_abandoned_total", "Waits that ended because the client went away.", {}}),
         evicted = metrics.mirrored_counter({"photogate_waits_evicted_total",
                                             "Waits that ended because others needed the connection.",
                                             {}})]() mutable {
            const auto counts = uploads.counts();
            const auto of_packages = packages.counts();
            waiting.set(static_cast<double>(counts.places.taken));
            for (std::size_t limit = 0; limit < refused.size(); ++limit)
                refused[limit].show(counts.places.refused[limit]);
            abandoned.show(counts.abandoned + of_packages.abandoned);
            evicted.show(counts.evicted + of_packages.evicted);
        });
}

}  // namespace photogate::gateway::waiting
