// What serving and working share: clock, metrics, records, stores, and what arrives in them.
//
// The members are in the order of their lives: each uses only what is above it.
//
// Thread safety: open() and verify_safety() on one thread, before anything else runs; then each member's own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/agreed_clock.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/telemetry/metrics.hpp"
#include "delivery/disk_cache.hpp"
#include "delivery/published_images.hpp"
#include "gateway/access/image_links.hpp"
#include "gateway/config/config.hpp"
#include "gateway/http/http_metrics.hpp"
#include "gateway/placement/region_finder.hpp"
#include "gateway/system/builtin_store.hpp"
#include "gateway/system/gates.hpp"
#include "gateway/system/region_watch.hpp"
#include "gateway/system/registry.hpp"
#include "gateway/system/store_watch.hpp"
#include "gateway/system/system.hpp"
#include "gateway/system/traces.hpp"
#include "gateway/waiting/waiters.hpp"
#include "imaging/imager_pool.hpp"
#include "notifier/callbacks/upload_callbacks.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/resumable/assembler.hpp"
#include "pipeline/stores.hpp"
#include "storage/apps/app_store.hpp"
#include "storage/chunks/chunk_store.hpp"
#include "storage/objects/retry.hpp"
#include "storage/objects/s3_client.hpp"
#include "storage/packages/package_store.hpp"
#include "storage/records/records.hpp"
#include "storage/variants/variant_backfills.hpp"

namespace photogate::gateway::system {

struct Foundation {
    /// `config` outlives this.
    Foundation(const config::Config& config, ProcessRole role);
    ~Foundation() { registry.stop(); }
    Foundation(const Foundation&) = delete;
    Foundation& operator=(const Foundation&) = delete;

    /// Connects to the database and opens the stores; the built-in store listens from here on. Errors: as
    /// System::start().
    Result<> open();
    /// Proves that the stores' credentials and buckets are safe. Errors: unsafe_configuration, store_*.
    Result<> verify_safety();
    /// Where this process decodes pictures. Errors: imager_unavailable.
    Result<> start_imagers();

    bool serves() const { return role != ProcessRole::work; }
    bool works() const { return role != ProcessRole::serve; }

    const config::Config& config;
    const ProcessRole role;
    const log::Format log_format;  ///< where the configuration names none
    AgreedClock clock;             ///< agreed on with the other gateways: the database's
    SystemRandom random;
    const std::size_t max_connections;  ///< of each server
    const std::string image_base;
    Registry registry;  ///< what a reload changes; its links are signed once the stores are open
    const model::LiveApps& apps = registry.apps();
    telemetry::Metrics metrics;
    Traces traces{config.tracing, metrics};  ///< above all that records spans
    http::HttpMetrics http_metrics{metrics};
    Gates gates{config, apps, image_base, clock, metrics};

    storage::http::HttpClient store_http{storage::http::ClientOptions{}};
    storage::objects::SystemPacer pacer;
    storage::objects::S3Dependencies s3_dependencies{store_http, clock, random, pacer};
    pipeline::Stores stores{{}};
    notifier::callbacks::UploadCallbacks composer;
    std::unique_ptr<storage::records::Records> records;
    std::optional<storage::apps::AppStore> app_store;
    std::optional<storage::packages::PackageStore> packages;
    std::optional<storage::variants::VariantBackfills> backfills;
    std::optional<pipeline::Intake> intake;
    std::optional<pipeline::Parts> parts;
    std::optional<storage::chunks::PostgresChunkStore> chunks;
    std::optional<pipeline::resumable::Assembler> assembler;
    std::optional<StoreWatch> watch;
    std::optional<RegionWatch> region_watch;
    std::unique_ptr<placement::RegionFinder> region_finder;
    std::unique_ptr<BuiltinStore> builtin;            ///< below what it reports to: the records, the intake
    std::unique_ptr<delivery::DiskCache> disk_cache;  ///< null where there is none
    std::optional<delivery::PublishedImages> images;
    std::optional<waiting::RecordsWatch> upload_watch;
    std::optional<waiting::Waiters> waiters;
    std::optional<waiting::PackageRecordsWatch> package_watch;
    std::optional<waiting::PackageWaiters> package_waiters;  ///< below the others, whose places it shares
    std::unique_ptr<imaging::ImagerPool> imagers;            ///< null where this process decodes no pictures

  private:
    void agree_on_time();
    notifier::callbacks::PackageLinks links_to(const model::Package& package) const;
    void open_disk_cache();
    void make_region_watch();
    Result<> open_stores();
    void take_in(const storage::builtin::ObjectCreated& created) noexcept;
};

}  // namespace photogate::gateway::system
