#include "gateway/routes/store_link.hpp"

#include <utility>

#include "gateway/routes/attachment.hpp"
#include "pipeline/packages/store_link.hpp"

namespace photogate::gateway::routes {

std::optional<notifier::callbacks::StoreLink> offered_store_link(const config::Packages& options,
                                                                 const pipeline::Stores& stores,
                                                                 const model::Package& package,
                                                                 Timestamp now) {
    if (!options.store_links) return std::nullopt;
    auto link = pipeline::packages::store_link(stores, package, attachment(package.name), now);
    if (!link) return std::nullopt;
    return notifier::callbacks::StoreLink{std::move(link->url), link->expires_at};
}

}  // namespace photogate::gateway::routes
