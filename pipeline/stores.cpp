#include "pipeline/stores.hpp"

#include <utility>

#include "base/agreed_clock.hpp"

namespace photogate::pipeline {

void StoreClock::measured(std::chrono::microseconds ahead) {
    const auto right = std::chrono::abs(ahead) < kClockNoise;
    const auto changed = std::chrono::abs(ahead - this->ahead()) >= kClockNoise;
    if (right) {
        ahead_ = 0;
    } else if (changed) {
        ahead_ = ahead.count();
    }
}

model::StoreRegion Store::region_now() const {
    auto current = region;
    const auto in_force = keys->now();
    current.signer = in_force->signer;
    current.worker = in_force->worker;
    return current;
}

void Store::replace_keys(StoreKeys next) const {
    signer.replace(next.signer);
    objects->replace_credentials(next.worker);
    keys->replace(std::move(next));
}

Stores::Stores(std::map<std::string, Store> stores) : stores_(std::move(stores)) {}

Result<const Store*> Stores::choose(const std::optional<std::string>& region) const {
    if (!region && stores_.size() == 1) return &stores_.begin()->second;
    if (const auto* store = of(region.value_or("default"))) return store;
    return fail(ErrorCode::unknown_region,
                region ? "there is no region of that name" : "'region' is required here");
}

const Store* Stores::of(const std::string& region) const {
    const auto found = stores_.find(region);
    return found == stores_.end() ? nullptr : &found->second;
}

const Store* Stores::find_incoming(std::span<const std::string> regions, std::string_view bucket) const {
    for (const auto& region : regions) {
        const auto* store = of(region);
        if (store && store->region.incoming.str() == bucket) return store;
    }
    return nullptr;
}

}  // namespace photogate::pipeline
