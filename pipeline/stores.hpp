// The configured stores, each with two clients: one with presign-only credentials, one with read and write credentials.
//
// Thread safety: immutable once made, but for what is learnt of a store's clock and for its keys; the members may be
// used from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/live.hpp"
#include "base/result.hpp"
#include "model/policy/profile.hpp"
#include "signer/signer.hpp"
#include "storage/objects/object_store.hpp"
#include "storage/objects/store_health.hpp"

namespace photogate::pipeline {

/// How far a store's clock is ahead of ours. A grant is judged by the store's, so it is signed by it.
class StoreClock {
  public:
    std::chrono::microseconds ahead() const { return std::chrono::microseconds{ahead_.load()}; }
    /// A measurement. A Date has no fraction, and the network takes its time: what differs by less than two
    /// seconds from what is known changes nothing, so that a grant signed again is the same.
    void measured(std::chrono::microseconds ahead);

  private:
    std::atomic<std::int64_t> ahead_{0};
};

/// What a store's two clients sign with.
struct StoreKeys {
    signer::Credentials signer;
    signer::Credentials worker;
};

struct Store {
    model::StoreRegion region;  ///< its credentials are those of the start: `keys` has those in force
    signer::Signer signer;      ///< with the signer's credentials
    std::unique_ptr<storage::objects::ObjectStore> objects;  ///< with the worker's
    std::unique_ptr<StoreClock> clock = std::make_unique<StoreClock>();
    std::unique_ptr<Live<StoreKeys>> keys =
        std::make_unique<Live<StoreKeys>>(StoreKeys{region.signer, region.worker});
    /// Never null. Shared with `objects`, whose calls it learns from.
    std::shared_ptr<storage::objects::StoreHealth> health =
        std::make_shared<storage::objects::StoreHealth>(region.name);

    /// The region with the credentials in force.
    model::StoreRegion region_now() const;
    /// What is signed from now on is signed with these; calls that are under way end as they began.
    void replace_keys(StoreKeys next) const;
};

/// What stands in for what.
struct RegionOrder {
    std::string standard;  ///< of uploads for which none is near; empty: the only one, or "default"
    /// By region, those that stand in for it while it is down, in this order. A region that is not in it has all others:
    /// the standard one, then by name.
    std::map<std::string, std::vector<std::string>> fallbacks;
};

class Stores {
  public:
    explicit Stores(std::map<std::string, Store> stores, RegionOrder order = {});

    /// The store of a new upload: that of the region that is named; else the first that is up of the one that is near,
    /// or the standard one, and those that stand in for it. Of a single region, whether it is up does not count.
    /// Errors: unknown_region; store_unavailable, with a time after which to come again.
    Result<const Store*> choose(const std::optional<std::string>& named,
                                const std::optional<std::string>& near = std::nullopt) const;
    /// The regions other than `region` that an upload of its could go to, in their order; those that are down among them.
    std::vector<const Store*> fallbacks_of(const std::string& region) const;
    /// The names of the regions that are down.
    std::vector<std::string> down() const;
    /// The region that an upload was granted in; nullptr where configuration no longer has it.
    const Store* of(const std::string& region) const;
    /// The one among these regions whose incoming bucket has this name; nullptr where none of them has.
    /// Buckets of two stores may have one name, so a name alone identifies no region.
    const Store* find_incoming(std::span<const std::string> regions, std::string_view bucket) const;
    const std::map<std::string, Store>& all() const { return stores_; }

  private:
    const Store* standard() const;

    std::map<std::string, Store> stores_;
    RegionOrder order_;
};

}  // namespace photogate::pipeline
