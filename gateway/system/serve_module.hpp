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
#include <memory>
#include <optional>
#include <vector>

#include "base/in_flight.hpp"
#include "delivery/version_maker.hpp"
#include "delivery/version_renderer.hpp"
#include "gateway/access/client_token.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/system/foundation.hpp"
#include "gateway/system/probes.hpp"
#include "gateway/system/work_module.hpp"
#include "pipeline/catalog.hpp"
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
    void stop_accepting();
    /// Lets requests under way finish; the number of connections that had to be cut.
    std::size_t drain(std::chrono::milliseconds patience);

    /// The API's listeners in the order of the configuration, then the metrics listener.
    const std::vector<std::uint16_t>& ports() const { return server_->ports(); }

  private:
    void make_version_maker();
    Result<> add_api();
    void watch_all();

    Foundation& base_;
    const WorkModule* work_;
    const Probes& probes_;
    notifier::events::Sources event_sources_;
    pipeline::Catalog catalog_;
    pipeline::uploads::UploadService uploads_;
    delivery::ByteBudget image_budget_;
    std::unique_ptr<http::WorkPool> image_pool_;  ///< above the database's, whose work goes on there
    std::unique_ptr<http::WorkPool> database_pool_;
    std::unique_ptr<http::WorkPool> store_pool_;
    // Null where this process makes no images.
    std::unique_ptr<http::WorkPool> version_pool_;
    std::optional<delivery::VersionRenderer> version_renderer_;
    std::optional<delivery::VersionMaker> version_maker_;
    std::optional<access::TokenSigner> tokens_;
    std::optional<routes::Api> api_;
    http::Router router_;
    http::Router operations_;
    std::atomic<const http::Server*> server_view_{nullptr};  ///< for the metrics, once it listens
    std::unique_ptr<http::Server> server_;
    InFlight in_flight_;  ///< last: what it waits for uses the members above
};

}  // namespace photogate::gateway::system
