// The store's own link to a stored package, as apps are told of it: in answers and in `package.ready`.
//
// Thread safety: pure function.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "gateway/config/config.hpp"
#include "model/package.hpp"
#include "notifier/callbacks/package_wire.hpp"
#include "pipeline/stores.hpp"

namespace photogate::gateway::routes {

/// What is downloaded is saved under the package's name. nullopt: `packages.store_links` is off, or pipeline::packages::store_link()
/// has none.
std::optional<notifier::callbacks::StoreLink> offered_store_link(const config::Packages& options,
                                                                 const pipeline::Stores& stores,
                                                                 const model::Package& package,
                                                                 Timestamp now);

}  // namespace photogate::gateway::routes
