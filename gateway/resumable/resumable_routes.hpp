// The paths of resumable uploads: `/u/{token}/r`, where tus makes uploads with a client token, and `/u/{token}/r/{id}`, an
// upload, with a client token or the ticket of its grant.
//
// One URL speaks tus 1.0.0, the IETF draft and plain HTTP (http/resumable). Behind the id may stand the number of a beginning:
// the URL that the draft resumes at, which is not found once the file was begun anew.
//
// Thread safety: everything here outlives the server, and is safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/in_flight.hpp"
#include "base/ip_address.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "gateway/access/client_places.hpp"
#include "gateway/access/upload_ticket.hpp"
#include "gateway/http/flowing_body.hpp"
#include "gateway/http/router.hpp"
#include "gateway/http/service.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/placement/region_finder.hpp"
#include "gateway/resumable/handover.hpp"
#include "gateway/resumable/holders.hpp"
#include "http/semantics/cors.hpp"
#include "pipeline/resumable/assembler.hpp"
#include "pipeline/resumable/resumable_uploads.hpp"
#include "pipeline/uploads/upload_service.hpp"

namespace photogate::gateway::resumable {

struct ResumableMetrics {
    explicit ResumableMetrics(telemetry::Metrics& metrics);
    telemetry::Counter bytes;  ///< acknowledged
    telemetry::Counter chunks;
    telemetry::Counter received;     ///< uploads whose last byte was acknowledged
    telemetry::Counter interrupted;  ///< connections that ended before their content did
    telemetry::Counter fenced;       ///< connections whose upload a newer one had
};

struct ResumableApi {
    const pipeline::resumable::ResumableUploads& uploads;
    pipeline::resumable::Assembler& assembler;
    const pipeline::uploads::UploadService& service;  ///< makes uploads
    http::HeadCheck bearer;                           ///< who shows the client token of the path
    const access::UploadTickets& tickets;
    http::WorkPool& pool;
    Holders& holders;
    Handover& handover;
    access::ClientPlaces& places;  ///< of requests that send
    ResumableMetrics& metrics;
    const Clock& clock;
    std::shared_ptr<const photogate::http::semantics::CorsRule>
        cors;                        ///< of the other routes; null: no page may call
    std::string base;                ///< before paths; empty: paths alone
    std::function<ByteSize()> most;  ///< bytes of the largest upload of any profile
    std::vector<IpBlock> trusted_proxies;
    http::InterimAnswers interim_answers = http::InterimAnswers::direct;
    const placement::RegionFinder& regions;  ///< which is near a client
    /// For completions that may be called when their request has gone: its owner waits for them before all of the above
    /// ends.
    const InFlight& in_flight;
};

/// Where an upload is sent and continued, with a ticket or a client token.
std::string resumable_url(const std::string& base, const std::string& credential, const UploadId& upload);

/// How many connections hold uploads, and how many were refused a place. All outlive the last rendering.
void watch(telemetry::Metrics& metrics, const Holders& holders, const access::ClientPlaces& places);

/// How a refusal speaks of requests that send.
inline constexpr access::PlaceWords kTransfers{"uploads being sent"};

class ResumableService final : public http::Service {
  public:
    /// `rest` serves all other paths. Both outlive this.
    ResumableService(const ResumableApi& api, http::Service& rest);

    http::HeadLimits head_limits(const http::HeadLimits& general) const override {
        return rest_.head_limits(general);
    }
    void word(http::Response& response, const http::ErrorContext& context) const override {
        rest_.word(response, context);
    }
    http::Admission admit(const http::RequestHead& head) override;

  private:
    const ResumableApi& api_;
    http::Service& rest_;
    std::optional<photogate::http::semantics::CorsRule> cors_;
};

}  // namespace photogate::gateway::resumable
