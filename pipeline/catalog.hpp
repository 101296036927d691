// What the configuration says of an upload: its app, its profile and its store, looked up in one place.
//
// An upload outlives the configuration that it was made under: each of the three may be gone.
//
// What it returns stays as it was found, whatever is configured meanwhile.
//
// Thread safety: any thread.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "model/policy/profile.hpp"
#include "model/upload.hpp"
#include "pipeline/stores.hpp"

namespace photogate::pipeline {

struct Policy {
    std::shared_ptr<const model::App> app;
    std::shared_ptr<const model::Profile> profile;
    const Store* store;
};

class Catalog {
  public:
    /// Both outlive this.
    Catalog(const model::LiveApps& apps, const Stores& stores) : apps_(apps), stores_(stores) {}

    /// Errors: forbidden, where no app of that name may upload.
    Result<std::shared_ptr<const model::App>> app(const AppName& name) const;
    /// Errors: unavailable, with which of region, app and profile is no longer configured.
    Result<Policy> policy_of(const model::Upload& upload) const;

    const Stores& stores() const { return stores_; }

  private:
    const model::LiveApps& apps_;
    const Stores& stores_;
};

}  // namespace photogate::pipeline
