#include "gateway/access/token_buckets.hpp"

#include <algorithm>
#include <cmath>

namespace photogate::gateway::access {
namespace {

std::chrono::seconds in_seconds(double seconds) {
    return std::chrono::seconds{static_cast<std::int64_t>(std::ceil(seconds))};
}

}  // namespace

double TokenBuckets::level_of(const Bucket& bucket, const Rate& rate, Time now) {
    const auto passed = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
    return std::min(static_cast<double>(rate.burst), bucket.level + passed * rate.per_second);
}

TokenBuckets::Taken TokenBuckets::told(double level, const Rate& rate) {
    const auto burst = static_cast<double>(rate.burst);
    Taken taken;
    taken.quota = rate.burst;
    taken.remaining = static_cast<std::uint64_t>(std::max(0.0, std::floor(level)));
    taken.window = std::max(std::chrono::seconds{1}, in_seconds(burst / rate.per_second));
    taken.until_full = in_seconds((burst - level) / rate.per_second);
    if (level < 1)
        taken.retry_after = std::max(std::chrono::seconds{1}, in_seconds((1 - level) / rate.per_second));
    return taken;
}

TokenBuckets::Taken TokenBuckets::take(const std::string& name, const Rate& rate, Time now) {
    const std::lock_guard lock{mutex_};
    const auto found = places_.find(name);
    if (found == places_.end()) {
        if (places_.size() >= most_names_) {
            places_.erase(buckets_.back().name);
            buckets_.pop_back();
        }
        buckets_.push_front({name, static_cast<double>(rate.burst), now});
        places_.emplace(name, buckets_.begin());
    } else {
        buckets_.splice(buckets_.begin(), buckets_, found->second);
    }
    auto& bucket = buckets_.front();
    bucket.level = level_of(bucket, rate, now);
    bucket.at = now;
    const bool admitted = bucket.level >= 1;
    if (admitted) bucket.level -= 1;
    auto taken = told(bucket.level, rate);
    taken.admitted = admitted;
    return taken;
}

TokenBuckets::Taken TokenBuckets::look(const std::string& name, const Rate& rate, Time now) const {
    const std::lock_guard lock{mutex_};
    const auto found = places_.find(name);
    auto taken = told(
        found == places_.end() ? static_cast<double>(rate.burst) : level_of(*found->second, rate, now), rate);
    taken.admitted = taken.retry_after.count() == 0;
    return taken;
}

std::size_t TokenBuckets::size() const {
    const std::lock_guard lock{mutex_};
    return places_.size();
}

}  // namespace photogate::gateway::access
