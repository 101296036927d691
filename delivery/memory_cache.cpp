#include "delivery/memory_cache.hpp"

#include <algorithm>
#include <vector>

namespace photogate::delivery {

namespace {

/// What an entry costs besides its bytes: its name, and the nodes that hold it.
constexpr std::uint64_t kEntryCost = 400;

}  // namespace

MemoryCache::MemoryCache(std::uint64_t limit) : largest_(std::min(limit / 16, kLargest)), kept_(limit) {}

MemoryCache::Bytes MemoryCache::find(std::string_view content) {
    const std::lock_guard lock(mutex_);
    const auto* found = kept_.use(content);
    ++(found ? counts_.hits : counts_.misses);
    return found ? *found : nullptr;
}

bool MemoryCache::keep(const std::string& content, Bytes bytes) {
    if (!takes(bytes->size())) return false;
    std::vector<Bytes> evicted;  // destroyed without the mutex
    const std::lock_guard lock(mutex_);
    const auto weight = bytes->size() + kEntryCost;
    // Nobody gets a further reference without the mutex.
    const auto may_go = [](const Bytes& held) { return held.use_count() == 1; };
    return kept_.add(content, std::move(bytes), weight, may_go, [&](auto& entry) {
        ++counts_.evictions;
        evicted.push_back(std::move(entry.value));
    });
}

void MemoryCache::forget(const PublicId& image) {
    const std::lock_guard lock(mutex_);
    kept_.drop(image.str() + "/", [](const auto&) {});
}

std::optional<PublicId> MemoryCache::image_from(const std::string& first) const {
    const std::lock_guard lock(mutex_);
    const auto name = kept_.name_from(first);
    return parse_public_id(name.substr(0, name.find('/')));
}

CacheCounts MemoryCache::counts() const {
    const std::lock_guard lock(mutex_);
    auto counts = counts_;
    counts.bytes = kept_.weight();
    counts.entries = kept_.size();
    return counts;
}

}  // namespace photogate::delivery
