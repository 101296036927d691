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

Result<> prove_watermarks(imaging::ImageProcessor& imagers, const model::Apps& apps) {
    for (const auto& [app, entry] : apps) {
        for (const auto& [name, profile] : entry.profiles) {
            if (!profile.watermark) continue;
            const auto proved = imaging::prove_watermark(imagers, profile.watermark->mark);
            if (proved) continue;
            if (proved.error().code != ErrorCode::invalid_configuration) return proved;
            const bool is_image = profile.watermark->mark.picture != nullptr;
            const std::string what = is_image ? "image is " + profile.watermark->image_file +
                                                    ", which no decoder takes: name a sound PNG, WebP or "
                                                    "JPEG file of at most 16 megapixels"
                                              : "text can't be drawn with its font " +
                                                    profile.watermark->mark.font + ": name another";
            return fail(ErrorCode::invalid_configuration,
                        "apps." + app.str() + ".profiles." + name.str() + ".watermark." + what);
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
