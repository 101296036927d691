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
#include "gateway/routes/near_region.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "gateway/routes/upload_variants.hpp"
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

Result<uploads::CreateRequest> read_create_request(const Api& api, const http::Request& request) {
    auto key = read_idempotency_key(request);
    if (!key) return fail(std::move(key.error()));
    auto wanted = read_grant_request(request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    set_origin(request, wanted->request);
    wanted->request.near = near_region(api, request, wanted->request);
    uploads::CreateRequest create{
        std::move(wanted->request), std::move(wanted->mistakes), std::move(*key), {}};
    if (create.idempotency_key) {
        const auto document = json::read_object(request.body);
        if (!document) return fail(document.error());
        create.request_sha256 = hex_lower(signer::sha256(json::canonical(*document)));
    }
    return create;
}

/// The bytes are there already: the picture that was made of them.
http::Response duplicate_response(const Api& api, const model::Upload& upload) {
    auto response =
        http::Response::json(200, duplicate_json(upload, api.image_base, api.audience_of(upload)));
    response.set("Location", "/v1/uploads/" + upload.id.str());
    return response;
}

/// On the committer's thread, which must not wait for the database.
void answer_duplicate(const Api& api, const std::shared_ptr<http::Responder>& waiting, model::Upload upload) {
    if (!has_variants(api, upload)) return waiting->respond(duplicate_response(api, upload));
    const auto taken = api.database_pool.submit([&api, waiting, upload = std::move(upload)] {
        const auto filled = with_variants(api, upload);
        if (!filled) return waiting->fail(filled.error());
        waiting->respond(duplicate_response(api, *filled));
    });
    if (!taken) waiting->fail(taken.error());
}

/// The store is asked for its multipart upload now that ours is committed. Where it is away or its pool is full, the
/// answer says where parts are signed.
void answer_with_parts(const Api& api, const std::shared_ptr<http::Responder>& waiting,
                       const uploads::Granted& granted, Answered answered) {
    const auto respond = [&api, waiting, answered](const uploads::Granted& ready) {
        waiting->respond(created_response(
            ready.upload.id,
            granted_json(ready.upload, ready.grant, api.image_base, api.audience_of(ready.upload)),
            answered));
    };
    const auto taken = api.store_pool.submit([&api, respond, granted] {
        respond(api.service.with_first_parts(granted, granted.upload.created_at));
    });
    if (!taken) respond(granted);
}

struct Counts {
    telemetry::Counter created;
    telemetry::Counter duplicates;
};

void create_upload(const Api& api, Counts counts, const http::Request& request, http::Responder responder) {
    auto wanted = read_create_request(api, request);
    if (!wanted) return responder.fail(std::move(wanted.error()));
    auto planned = api.service.plan(asking(request), std::move(*wanted));
    if (!planned) return responder.fail(std::move(planned.error()));
    const auto& granted = planned->granted;
    auto json = granted_json(granted.upload, granted.grant, api.image_base, api.audience_of(granted.upload));
    auto id = planned->granted.upload.id;
    std::optional<uploads::Granted> in_parts;
    if (planned->granted.grant.parts) in_parts = planned->granted;
    // std::function wants a copyable callable; the responder moves.
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    api.service.create(std::move(*planned), [&api, counts, waiting, id, in_parts, json = std::move(json)](
                                                Result<uploads::Created> created) mutable {
        if (!created) return waiting->fail(std::move(created.error()));
        if (const auto& first = created->replayed) {
            if (first->grant.parts) return answer_with_parts(api, waiting, *first, Answered::again);
            return waiting->respond(created_response(
                first->upload.id,
                granted_json(first->upload, first->grant, api.image_base, api.audience_of(first->upload)),
                Answered::again));
        }
        if (auto& duplicate = created->duplicate) {
            counts.duplicates.add();
            return answer_duplicate(api, waiting, std::move(*duplicate));
        }
        counts.created.add();
        failpoint::pass(failpoint::Point::before_create_answer);
        if (in_parts) return answer_with_parts(api, waiting, *in_parts, Answered::first);
        waiting->respond(created_response(id, std::move(json), Answered::first));
    });
}

}  // namespace

void add_create_route(http::Router& router, const Api& api) {
    const Counts counts{
        api.metrics.counter({"photogate_uploads_created_total", "Uploads granted.", {}}),
        api.metrics.counter({"photogate_uploads_deduplicated_total",
                             "Requests that were answered with a published image of the same bytes.",
                             {}})};
    const auto who = http::json_only(access::app_or_token(api.credentials()));
    for (const char* pattern : {"/v1/uploads", "/u/{token}/v1/uploads"}) {
        router.add({http::Method::post, pattern,
                    [&api, counts](const http::Request& request, http::Responder responder) {
                        create_upload(api, counts, request, std::move(responder));
                    },
                    kBodyLimit, who, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
