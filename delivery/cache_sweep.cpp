#include "delivery/cache_sweep.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace photogate::delivery {

CacheSweep::CacheSweep(const PublishedImages& images, std::vector<Swept> caches,
                       std::chrono::milliseconds pass)
    : images_(images), caches_(std::move(caches)), pass_(pass), thread_([this] { run(); }) {}

CacheSweep::~CacheSweep() {
    stop_.stop();
    thread_.join();
}

std::size_t CacheSweep::sweep(const PublishedImages& images, const Swept& cache,
                              const std::function<bool()>& go_on) {
    std::size_t forgotten = 0;
    std::string from;
    while (auto image = cache.image_from(from)) {
        if (!go_on()) break;
        const auto located = images.locate(image->str());
        if (!located &&
            (located.error().code == ErrorCode::gone || located.error().code == ErrorCode::not_published)) {
            cache.forget(*image);
            ++forgotten;
        }
        from = image->str() + "0";  // behind all that is of it: `/` is before `0`
    }
    return forgotten;
}

void CacheSweep::run() {
    using namespace std::chrono_literals;
    while (!stop_.wait_for(1s)) {
        for (const auto& cache : caches_) {
            const auto pause = std::clamp<std::chrono::milliseconds>(
                pass_ / std::max<std::uint64_t>(cache.entries(), 1), 5ms, 1s);
            const auto forgotten = sweep(images_, cache, [&] { return !stop_.wait_for(pause); });
            if (forgotten > 0) log::info("cache.swept", {{"images", forgotten}});
            if (stop_.stopped()) return;
        }
    }
}

}  // namespace photogate::delivery
