#include "gateway/system/imagers.hpp"

#include <string>
#include <utility>

#include "imaging/prove_watermark.hpp"

namespace photogate::gateway::system {

Result<std::unique_ptr<imaging::ImagerPool>> start_imagers(const config::Config& config) {
    auto options = config.imaging;
    if (config.unsafe == config::UnsafeStore::allow) options.sandbox = imaging::Sandbox::best_effort;
    auto pool = imaging::ImagerPool::start(std::move(options));
    if (!pool) return pool;
    if (auto proved = prove_watermarks(**pool, config.apps); !proved) return fail(std::move(proved.error()));
    return pool;
}

namespace {

/// `table` is where the policy stands.
Result<> prove(imaging::ImageProcessor& imagers, const model::WatermarkPolicy& policy,
               const std::string& table) {
    const auto proved = imaging::prove_watermark(imagers, policy.mark);
    if (proved || proved.error().code != ErrorCode::invalid_configuration) return proved;
    const std::string what =
        policy.mark.picture != nullptr
            ? "image is " + policy.image_file +
                  ", which no decoder takes: name a sound PNG, WebP or JPEG file of at most 16 megapixels"
            : "text can't be drawn with its font " + policy.mark.font + ": name another";
    return fail(ErrorCode::invalid_configuration, table + "." + what);
}

}  // namespace

Result<> prove_watermarks(imaging::ImageProcessor& imagers, const model::Apps& apps) {
    for (const auto& [app, entry] : apps) {
        for (const auto& [name, profile] : entry.profiles) {
            const auto table = "apps." + app.str() + ".profiles." + name.str() + ".watermark";
            if (profile.watermark)
                if (auto proved = prove(imagers, *profile.watermark, table); !proved) return proved;
            for (const auto& [mark, policy] : profile.watermarks) {
                auto proved = prove(imagers, policy, table + "s." + mark);
                if (!proved) return proved;
            }
        }
    }
    return {};
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
