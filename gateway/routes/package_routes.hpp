// The routes of packages: `/v1/packages…` for apps, `/p/{id}/{name}` for whoever has a link.
//
// Thread safety: add them before the router is served.
#pragma once

#include "gateway/routes/api.hpp"
#include "gateway/routes/package_downloads.hpp"
#include "pipeline/packages/package_service.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::gateway::routes {

/// All of them outlive the routes.
struct PackageApi {
    const Api& api;
    const pipeline::packages::PackageService& service;
    storage::packages::PackageStore& packages;
    PackageDownloads& downloads;
    PackageWaiters& waiters;
    http::WorkPool& pool;  ///< for reading archives
};

/// `POST|GET /v1/packages`, `GET|DELETE /v1/packages/{id}`, `GET /v1/packages/{id}/events`, `POST /v1/packages/{id}/url`
void add_package_routes(http::Router& router, const PackageApi& packages);
/// `GET /v1/packages`, for the listener of the operations page.
void add_operator_package_routes(http::Router& router, const PackageApi& packages);
/// `GET /p/{id}/{name}`
void add_package_download(http::Router& router, const PackageApi& packages);

}  // namespace photogate::gateway::routes
