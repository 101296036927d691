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

Stores::Stores(std::map<std::string, Store> stores, RegionOrder order)
    : stores_(std::move(stores)), order_(std::move(order)) {}

const Store* Stores::standard() const {
    if (stores_.size() == 1) return &stores_.begin()->second;
    return of(order_.standard.empty() ? "default" : order_.standard);
}

Result<const Store*> Stores::choose(const std::optional<std::string>& named,
                                    const std::optional<std::string>& near) const {
    const auto usable = [this](const Store& store) { return stores_.size() == 1 || store.health->is_up(); };
    if (named) {
        const auto* store = of(*named);
        if (!store) return fail(ErrorCode::unknown_region, "there is no region of that name");
        if (!usable(*store)) return tl::unexpected(store->health->refusal());
        return store;
    }
    const auto* first = near ? of(*near) : nullptr;
    if (!first) first = standard();
    if (!first) return fail(ErrorCode::unknown_region, "'region' is required here");
    if (usable(*first)) return first;
    for (const auto* store : fallbacks_of(first->region.name)) {
        if (usable(*store)) return store;
    }
    return tl::unexpected(first->health->refusal());
}

std::vector<const Store*> Stores::fallbacks_of(const std::string& region) const {
    std::vector<const Store*> others;
    const auto configured = order_.fallbacks.find(region);
    if (configured != order_.fallbacks.end()) {
        for (const auto& name : configured->second) {
            if (const auto* store = of(name)) others.push_back(store);
        }
        return others;
    }
    const auto* first = standard();
    if (first && first->region.name != region) others.push_back(first);
    for (const auto& [name, store] : stores_) {
        if (name != region && &store != first) others.push_back(&store);
    }
    return others;
}

std::vector<std::string> Stores::down() const {
    std::vector<std::string> names;
    for (const auto& [name, store] : stores_) {
        if (!store.health->is_up()) names.push_back(name);
    }
    return names;
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
