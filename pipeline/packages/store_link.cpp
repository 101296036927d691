#include "pipeline/packages/store_link.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace photogate::pipeline::packages {

std::optional<signer::PresignedUrl> store_link(const Stores& stores, const model::Package& package,
                                               std::string disposition, Timestamp now) {
    if (package.mode != model::PackageMode::store || package.state != model::PackageState::ready ||
        !package.object || package.expires_at <= now)
        return std::nullopt;
    const Store* store = stores.of(package.object->region);
    if (store == nullptr) return std::nullopt;
    const auto ahead = store->clock->ahead();
    signer::PresignRequest request;
    request.method = "GET";
    request.address = {store->region.external, store->region.style, package.object->bucket,
                       package.object->key};
    request.query = {{"response-cache-control", "private, no-store"},
                     {"response-content-disposition", std::move(disposition)},
                     {"response-content-type", "application/zip"}};
    // Whoever asks again within the hour gets the same link.
    request.at = std::chrono::floor<std::chrono::hours>(now + ahead);
    const auto left = std::chrono::floor<std::chrono::seconds>(package.expires_at + ahead - request.at);
    request.expires = std::min<std::chrono::seconds>(left, signer::kLongestExpiry);
    auto link = signer::Signer{store->keys->now()->worker, store->region.signing_region}.presign(request);
    if (!link) return std::nullopt;
    link->expires_at -= ahead;
    return std::move(*link);
}

}  // namespace photogate::pipeline::packages
