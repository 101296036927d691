// Takes the bytes of images that are not published any more out of this gateway's caches.
//
// Nobody can get them: the record is looked at before any cache. But what an app has deleted must not stay on a disk until
// chance evicts it. The gateway that deletes an image forgets it at once; the others find it here, by asking the records
// for one image after the other.
//
// Thread safety: the constructor starts a thread, the destructor ends it; sweep() on one thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/words.hpp"
#include "delivery/published_images.hpp"
#include "pipeline/stop_signal.hpp"

namespace photogate::delivery {

class CacheSweep {
  public:
    /// A cache, as far as this is concerned.
    struct Swept {
        std::function<std::optional<PublicId>(const std::string& first)> image_from;
        std::function<void(const PublicId&)> forget;
        std::function<std::uint64_t()> entries;
    };
    template <class Cache>
    static Swept over(Cache& cache) {
        return {[&cache](const std::string& first) { return cache.image_from(first); },
                [&cache](const PublicId& image) { cache.forget(image); },
                [&cache] { return cache.counts().entries; }};
    }

    /// A pass takes about as long as `pass`, and longer where that would be more than 200 questions a second. All outlive
    /// this.
    CacheSweep(const PublishedImages& images, std::vector<Swept> caches,
               std::chrono::milliseconds pass = std::chrono::minutes{10});
    ~CacheSweep();
    CacheSweep(const CacheSweep&) = delete;
    CacheSweep& operator=(const CacheSweep&) = delete;

    /// One pass over one cache without a pause. How many images were forgotten.
    static std::size_t sweep(
        const PublishedImages& images, const Swept& cache,
        const std::function<bool()>& go_on = [] { return true; });

  private:
    void run();

    const PublishedImages& images_;
    const std::vector<Swept> caches_;
    const std::chrono::milliseconds pass_;
    pipeline::StopSignal stop_;
    std::thread thread_;  ///< last: it uses the above
};

}  // namespace photogate::delivery
