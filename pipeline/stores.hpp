// The configured stores, each with its two hands: the signer that grants, and the worker that does the rest.
//
// Thread safety: immutable once made; the members may be used from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "pipeline/profile.hpp"
#include "signer/signer.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::pipeline {

struct Store {
    StoreRegion region;
    signer::Signer signer;                                   ///< with the signer's credentials
    std::unique_ptr<storage::objects::ObjectStore> objects;  ///< with the worker's
};

class Stores {
  public:
    explicit Stores(std::map<std::string, Store> stores);

    /// The named region, or the only (or "default") one. Errors: unknown_region.
    Result<const Store*> choose(const std::optional<std::string>& region) const;
    /// The region that an upload was granted in; nullptr where configuration no longer has it.
    const Store* of(const std::string& region) const;
    /// The region whose incoming bucket this is; nullptr for an alien bucket.
    const Store* by_incoming(std::string_view bucket) const;
    const std::map<std::string, Store>& all() const { return stores_; }

  private:
    std::map<std::string, Store> stores_;
};

}  // namespace photogate::pipeline
