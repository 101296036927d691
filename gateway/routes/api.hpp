// What the routes need of the other modules; and the functions that add them to a router.
//
// Thread safety: everything here outlives the server, and is safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/in_flight.hpp"
#include "base/random.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "delivery/byte_budget.hpp"
#include "delivery/memory_cache.hpp"
#include "delivery/published_images.hpp"
#include "delivery/recent_images.hpp"
#include "delivery/version_maker.hpp"
#include "delivery/version_use.hpp"
#include "gateway/access/head_check.hpp"
#include "gateway/config/config.hpp"
#include "gateway/http/router.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/placement/region_finder.hpp"
#include "gateway/routes/image_access.hpp"
#include "gateway/waiting/waiters.hpp"
#include "notifier/callbacks/upload_wire.hpp"
#include "notifier/events/source.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/stores.hpp"
#include "pipeline/uploads/upload_service.hpp"
#include "storage/apps/app_store.hpp"
#include "storage/records/outbox.hpp"
#include "storage/records/upload_store.hpp"
#include "storage/records/variant_store.hpp"
#include "storage/records/version_store.hpp"
#include "storage/variants/variant_backfills.hpp"

namespace photogate::gateway::routes {

using waiting::PackageSubject;
using waiting::PackageWaiters;
using waiting::Until;
using waiting::Waited;
using waiting::Waiters;

struct Api {
    const config::Config& config;
    const model::LiveApps& apps;
    const access::LiveKeys& keys;
    storage::apps::AppStore& app_store;
    /// Takes over what was changed through it, here and at once.
    std::function<Result<>()> apps_changed;
    const pipeline::Catalog& catalog;
    pipeline::uploads::UploadService& service;  ///< the use cases of uploads
    storage::records::UploadStore& uploads;     ///< for lists
    storage::records::Outbox& outbox;
    const pipeline::Stores& stores;
    const placement::RegionFinder& regions;  ///< which is near a client
    pipeline::Intake& intake;
    delivery::PublishedImages& images;
    storage::records::VersionStore& versions;
    storage::records::VariantStore& variants;
    storage::variants::VariantBackfills& backfills;
    delivery::VersionUse& version_use;
    delivery::RecentImages& recent_images;  ///< of `images`, and their versions
    delivery::MemoryCache& image_memory;
    delivery::DiskCache* image_disk;        ///< null where there is none
    delivery::VersionMaker* version_maker;  ///< null where this process makes no images
    Waiters& waiters;
    http::WorkPool& database_pool;  ///< for calls that wait for PostgreSQL
    http::WorkPool& store_pool;     ///< for calls that wait for the object store
    http::WorkPool& event_pool;     ///< proves senders of events by their bodies
    http::WorkPool& image_pool;     ///< for those of public images
    delivery::ByteBudget& image_budget;
    telemetry::Metrics& metrics;
    const Clock& clock;
    Random& random;
    std::shared_ptr<const http::CorsRule> cors;  ///< null: no page may call
    std::string image_base;                      ///< before `/i/…`; empty: paths alone
    std::vector<std::string> cache_tags;  ///< response headers that carry an image's public id, for caches
    const access::TokenSigner& tokens;
    const ImageAccess& image_access;
    const notifier::events::Sources& event_sources;
    /// For completions that may be called when their request has gone: its owner waits for them before all of the above
    /// ends.
    const InFlight& in_flight;

    access::Credentials credentials() const { return {keys, tokens, clock}; }
    /// Of the upload's image.
    notifier::callbacks::Audience audience_of(const model::Upload& upload) const {
        return model::is_private(*apps.now(), upload.app, upload.profile)
                   ? notifier::callbacks::Audience::link_holders
                   : notifier::callbacks::Audience::everybody;
    }
};

void add_upload_routes(http::Router& router, const Api& api);
void add_event_routes(http::Router& router, const Api& api);
void add_image_routes(http::Router& router, const Api& api);
void add_callback_routes(http::Router& router, const Api& api);
/// What an operator's key may do, for the listener of the operations page.
void add_operator_routes(http::Router& router, const Api& api);
void add_token_routes(http::Router& router, const Api& api);
/// `POST /v1/uploads/{id}/url` and `POST /v1/cookies`
void add_link_routes(http::Router& router, const Api& api);
/// The former for an operator, whose page shows private images.
void add_operator_link_routes(http::Router& router, const Api& api);
/// `POST /v1/variants` and what it began
void add_backfill_routes(http::Router& router, const Api& api);
/// `/v1/apps` and what is below it, for an operator.
void add_app_routes(http::Router& router, const Api& api);
/// `/v1/apps/{app}/profiles` and what is below it, for an operator.
void add_app_profile_routes(http::Router& router, const Api& api);
/// An app's usage, and `/v1/audit`.
void add_app_reports(http::Router& router, const Api& api);
/// `GET /v1/profile`
void add_profile_routes(http::Router& router, const Api& api);
/// The page to upload from, the documentation, the error codes, `/openapi.json`, and their files.
void add_page_routes(http::Router& router, const Api& api);
/// The page to operate with.
void add_operate_pages(http::Router& router);

/// What /readyz says: ready, or what is not, in a sentence.
struct Readiness {
    Result<> state;
    std::string detail_json;  ///< for `?verbose`
};
void add_health_routes(http::Router& router, std::function<Readiness()> readiness, http::WorkPool& pool);
void add_metrics_route(http::Router& router, telemetry::Metrics& metrics, http::WorkPool& pool);

}  // namespace photogate::gateway::routes
