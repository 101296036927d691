// POST /v1/uploads: the hot path.
//
// Everything that can be done before the commit is done before it, on the I/O thread: planning, signing and
// rendering are pure. What waits for the commit is only the sending of the answer, so the committer's thread does
// no more than hand it over.
#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/json/fields.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::routes {
namespace {

namespace uploads = pipeline::uploads;

constexpr std::size_t kBodyLimit = 64 * 1024;

enum class Answered { first, again };

http::Response created_response(const UploadId& id, std::string json, Answered answered) {
    auto response = http::Response::json(201, std::move(json));
    response.set("Location", "/v1/uploads/" + id.str());
    if (answered == Answered::again) response.set("Idempotency-Replayed", "true");
    return response;
}

Result<uploads::CreateRequest> read_create_request(const http::Request& request) {
    auto key = read_idempotency_key(request);
    if (!key) return fail(std::move(key.error()));
    auto wanted = read_grant_request(request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    wanted->request.request_id = request.request_id;
    uploads::CreateRequest create{
        std::move(wanted->request), std::move(wanted->mistakes), std::move(*key), {}};
    if (create.idempotency_key) {
        const auto document = json::read_object(request.body);
        if (!document) return fail(document.error());
        create.request_sha256 = hex_lower(signer::sha256(json::canonical(*document)));
    }
    return create;
}

void create_upload(const Api& api, telemetry::Counter& counter, const http::Request& request,
                   http::Responder responder) {
    auto wanted = read_create_request(request);
    if (!wanted) return responder.fail(std::move(wanted.error()));
    auto planned = api.service.plan(asking(request), std::move(*wanted));
    if (!planned) return responder.fail(std::move(planned.error()));
    auto json = granted_json(planned->granted.upload, planned->granted.grant, api.image_base);
    auto id = planned->granted.upload.id;
    // std::function wants a copyable callable; the responder moves.
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    api.service.create(std::move(*planned), [&api, counter, waiting, id, json = std::move(json)](
                                                Result<uploads::Created> created) mutable {
        if (!created) return waiting->fail(std::move(created.error()));
        if (const auto& first = created->replayed) {
            return waiting->respond(
                created_response(first->upload.id, granted_json(first->upload, first->grant, api.image_base),
                                 Answered::again));
        }
        counter.add();
        failpoint::pass(failpoint::Point::before_create_answer);
        waiting->respond(created_response(id, std::move(json), Answered::first));
    });
}

}  // namespace

void add_create_route(http::Router& router, const Api& api) {
    auto counter = api.metrics.counter({"photogate_uploads_created_total", "Uploads granted.", {}});
    const auto who = http::json_only(access::app_or_token(api.credentials()));
    for (const char* pattern : {"/v1/uploads", "/u/{token}/v1/uploads"}) {
        router.add({http::Method::post, pattern,
                    [&api, counter](const http::Request& request, http::Responder responder) mutable {
                        create_upload(api, counter, request, std::move(responder));
                    },
                    kBodyLimit, who, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
