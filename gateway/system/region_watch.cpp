#include "gateway/system/region_watch.hpp"

#include <utility>

#include "base/log.hpp"

namespace photogate::gateway::system {

using SteadyClock = std::chrono::steady_clock;

RegionWatch::RegionWatch(RegionWatchOptions options, const pipeline::Stores& stores,
                         storage::objects::S3Dependencies dependencies, telemetry::Metrics& metrics)
    : options_(std::move(options)), stores_(stores), dependencies_(dependencies) {
    for (const auto& [name, store] : stores_.all()) {
        auto gauge = metrics.gauge({"photogate_region_up",
                                    "1 where the region's store answers and new uploads may go there.",
                                    {{"region", name}}});
        metrics.before_render(
            [gauge, health = store.health]() mutable { gauge.set(health->is_up() ? 1 : 0); });
    }
}

void RegionWatch::start() {
    if (stores_.all().size() < 2) return;
    for (const auto& [name, store] : stores_.all()) {
        if (name == options_.unwatched) continue;
        store.health->watch();
        threads_.emplace_back([this, &store = store] { watch(store); });
    }
}

void RegionWatch::stop() {
    stop_.stop();
    for (auto& thread : threads_)
        thread.join();
    threads_.clear();
}

void RegionWatch::watch(const pipeline::Store& store) {
    auto prove_at = SteadyClock::now();
    for (;;) {
        const auto outcome = ask(store);
        const bool answers = store.health->probed(outcome);
        if (outcome && !store.health->is_proved() && SteadyClock::now() >= prove_at) prove(store, prove_at);
        // What failed once is asked again soon, so that it is known to be down, or to be well.
        const bool doubtful = answers && !outcome;
        if (stop_.wait_for(doubtful ? options_.probe_every / 4 : options_.probe_every)) return;
    }
}

Result<> RegionWatch::ask(const pipeline::Store& store) const {
    const auto region = store.region_now();
    storage::objects::S3Options options;
    options.endpoint = region.internal;
    options.style = region.style;
    options.credentials = region.worker;
    options.region = region.signing_region;
    options.retry.attempts = 1;
    options.timeouts.connect = options_.patience;
    options.timeouts.first_byte = options_.patience;
    return storage::objects::S3Client{std::move(options), dependencies_}.check_bucket(region.incoming);
}

void RegionWatch::prove(const pipeline::Store& store, SteadyClock::time_point& not_before) const {
    const auto& name = store.region.name;
    const auto safe = options_.prove(store);
    if (safe) {
        store.health->proved();
        return log::info("region.proved", {{"region", name}});
    }
    if (safe.error().code == ErrorCode::unsafe_configuration)
        not_before = SteadyClock::now() + options_.prove_again;
    log::error("region.not_proved",
               {{"region", name}, {"detail", safe.error().detail}, {"effect", "it gets no uploads"}});
}

}  // namespace photogate::gateway::system
