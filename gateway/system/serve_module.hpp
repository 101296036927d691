// What a process listens with: the API's listeners where it serves, and in every role the listener for
// metrics and operators.
//
// Stop order: stop_accepting(), then drain(). The server ends before the routes that it calls.
//
// Thread safety: start(), stop_accepting() and drain() on one thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/in_flight.hpp"
#include "delivery/cache_sweep.hpp"
#include "delivery/memory_cache.hpp"
#include "delivery/recent_images.hpp"
#include "delivery/version_maker.hpp"
#include "delivery/version_renderer.hpp"
#include "gateway/access/client_token.hpp"
#include "gateway/access/rate_limited.hpp"
#include "gateway/access/upload_seal.hpp"
#include "gateway/access/upload_ticket.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/resumable/resumable_routes.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/package_routes.hpp"
#include "gateway/system/foundation.hpp"
#include "gateway/system/probes.hpp"
#include "gateway/system/work_module.hpp"
#include "gateway/uppy/uppy_routes.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/packages/package_service.hpp"
#include "pipeline/resumable/resumable_uploads.hpp"
#include "pipeline/stop_signal.hpp"
#include "pipeline/uploads/open_uploads.hpp"
#include "pipeline/uploads/upload_service.hpp"

namespace photogate::gateway::system {

class WorkModule;

class ServeModule {
  public:
    /// `work` is null where this process does not work. All three outlive this.
    ServeModule(Foundation& foundation, const WorkModule* work, const Probes& probes);
    ~ServeModule();
    ServeModule(const ServeModule&) = delete;
    ServeModule& operator=(const ServeModule&) = delete;

    /// Errors: cannot_bind, invalid_configuration.
    Result<> start();
    bool listens() const { return server_ != nullptr; }
    /// Client tokens and upload tickets are signed and verified with these from now on. At least one.
    void use_token_secrets(const std::vector<Secret>& secrets);
    void stop_accepting();
    /// Lets requests under way finish; the number of connections that had to be cut.
    std::size_t drain(std::chrono::milliseconds patience);

    /// The API's listeners in the order of the configuration, then the metrics listener.
    const std::vector<std::uint16_t>& ports() const { return server_->ports(); }

  private:
    void make_version_maker();
    /// What other gateways have made, for those who wait for it here.
    void listen_for_versions();
    Result<> add_api();
    void add_resumable_api();
    void make_limits();
    Result<std::map<AppName, pipeline::uploads::OpenUse>> count_open(const std::vector<AppName>& apps) const;
    void watch_all();

    Foundation& base_;
    const WorkModule* work_;
    const Probes& probes_;
    notifier::events::Sources event_sources_;
    pipeline::Catalog catalog_;
    pipeline::uploads::OpenUploads open_uploads_;
    pipeline::uploads::UploadService uploads_;
    pipeline::packages::PackageService packages_;
    routes::PackageDownloads package_downloads_;
    delivery::ByteBudget image_budget_;
    delivery::RecentImages recent_images_;
    delivery::MemoryCache image_memory_;
    std::optional<delivery::CacheSweep> cache_sweep_;
    // Above the database's, whose work goes on there.
    std::unique_ptr<http::WorkPool> image_pool_;
    std::unique_ptr<http::WorkPool> package_pool_;
    std::unique_ptr<http::WorkPool> database_pool_;
    std::unique_ptr<http::WorkPool> store_pool_;
    std::unique_ptr<http::WorkPool> event_pool_;  ///< proves senders of events
    std::unique_ptr<http::WorkPool> resumable_pool_;
    storage::chunks::PostgresHandoverChannel handover_channel_;
    std::optional<resumable::Holders> holders_;  ///< below its pool, to which it hands who still waits
    std::optional<resumable::Handover> handover_;
    access::ClientPlaces transfer_places_;
    // Null where this process makes no images.
    std::unique_ptr<http::WorkPool> version_pool_;
    std::optional<delivery::VersionRenderer> version_renderer_;
    std::optional<delivery::VersionMaker> version_maker_;
    std::optional<delivery::VersionUse> version_use_;
    std::thread use_teller_;
    pipeline::StopSignal news_stop_;
    std::thread news_listener_;
    std::thread open_counter_;
    std::optional<access::TokenSigner> tokens_;
    std::optional<access::UploadTickets> tickets_;
    std::optional<access::UploadSeals> seals_;
    std::optional<routes::ImageAccess> image_access_;
    std::optional<routes::Api> api_;
    std::optional<pipeline::resumable::ResumableUploads> resumable_uploads_;
    std::optional<resumable::ResumableMetrics> resumable_metrics_;
    std::optional<resumable::ResumableApi> resumable_api_;
    std::optional<uppy::UppyApi> uppy_api_;
    std::optional<uppy::UppyErrors> uppy_errors_;                   ///< before the router
    std::optional<resumable::ResumableService> resumable_service_;  ///< before both
    std::optional<access::RateLimited> limited_;                    ///< before all of them
    std::optional<routes::PackageApi> package_api_;
    http::Router router_;
    http::Router operations_;
    std::atomic<const http::Server*> server_view_{nullptr};  ///< for the metrics, once it listens
    std::unique_ptr<http::Server> server_;
    InFlight in_flight_;  ///< last: what it waits for uses the members above
};

}  // namespace photogate::gateway::system
