#include "gateway/system/imagers.hpp"

#include <utility>

namespace photogate::gateway::system {

Result<std::unique_ptr<imaging::ImagerPool>> start_imagers(const config::Config& config) {
    auto options = config.imaging;
    if (config.unsafe == config::UnsafeStore::allow) options.sandbox = imaging::Sandbox::best_effort;
    return imaging::ImagerPool::start(std::move(options));
}

void watch(telemetry::Metrics& metrics, const imaging::ImagerPool& imagers) {
    metrics.before_render(
        [&imagers,
         started = metrics.mirrored_counter(
             {"photogate_imager_started_total", "Image worker processes started.", {}}),
         crashed = metrics.mirrored_counter(
             {"photogate_imager_crashed_total", "Image worker processes that died at work.", {}}),
         timed_out = metrics.mirrored_counter(
             {"photogate_imager_timed_out_total", "Image worker processes killed for their time.", {}}),
         overloaded =
             metrics.mirrored_counter({"photogate_imager_overloaded_total",
                                       "Pictures refused because no image worker process was free in time.",
                                       {}})]() mutable {
            const auto counters = imagers.counters();
            started.show(counters.started);
            crashed.show(counters.crashed);
            timed_out.show(counters.timed_out);
            overloaded.show(counters.overloaded);
        });
}

}  // namespace photogate::gateway::system
