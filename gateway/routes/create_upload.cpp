// POST /v1/uploads: the hot path.
//
// Everything that can be done before the commit is done before it, on the I/O thread: signing and rendering
// are pure. What waits for the commit is only the sending of the answer, so the committer's thread does no
// more than hand it over.
#include <iterator>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/token_routes.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;

constexpr std::size_t kBodyLimit = 64 * 1024;

enum class Answered { first, again };

http::Response created_response(const model::Upload& upload, std::string json, Answered answered) {
    auto response = http::Response::json(201, std::move(json));
    response.set("Location", "/v1/uploads/" + upload.id.str());
    if (answered == Answered::again) response.set("Idempotency-Replayed", "true");
    return response;
}

/// The grant of a stored upload, signed as of its creation: the same each time.
Result<std::string> granted(const Api& api, const model::Upload& upload) {
    const auto app = api.config.apps.find(upload.app);
    const auto* store = api.stores.of(upload.region);
    if (app == api.config.apps.end() || !store)
        return fail(ErrorCode::unavailable, "the upload's app or region is no longer configured");
    const auto profile = app->second.profile(upload.profile.str());
    if (!profile) return fail(ErrorCode::unavailable, "the upload's profile is no longer configured");
    const auto grant = pipeline::sign_grant(upload, **profile, *store, upload.created_at);
    if (!grant) return fail(grant.error());
    return granted_json(upload, *grant, api.image_base);
}

/// A replay answers as the first call did, whatever became of the upload since.
model::Upload as_created(model::Upload upload) {
    model::Upload first = std::move(upload);
    first.state = model::UploadState::created;
    first.received_at.reset();
    first.pinned.reset();
    first.client_metadata.clear();
    first.facts.reset();
    first.image.reset();
    first.rejection.reset();
    first.finished_at.reset();
    return first;
}

}  // namespace

void create_upload(const Api& api, http::Counter& counter, http::Request request, http::Responder responder) {
    const auto key = read_idempotency_key(request);
    if (!key) return responder.fail(key.error());
    auto wanted = read_grant_request(request.body);
    if (!wanted) return responder.fail(std::move(wanted.error()));
    wanted->request.request_id = request.request_id;
    const auto& who = caller(request);
    if (who.token) {
        auto overreach = hold_to_token(*who.token, wanted->request);
        std::move(overreach.begin(), overreach.end(), std::back_inserter(wanted->mistakes));
    }

    const auto app = api.config.apps.find(who.principal.app);
    if (app == api.config.apps.end())
        return responder.fail({ErrorCode::forbidden, "this key's app has no profiles", {}, std::nullopt});
    auto upload = pipeline::plan_upload(wanted->request, app->second, api.stores, api.config.callbacks.policy,
                                        api.clock.now(), api.random);
    if (!upload || !wanted->mistakes.empty()) {
        return responder.fail(all_mistakes(std::move(wanted->mistakes), upload ? nullptr : &upload.error()));
    }
    if (who.token) upload->client_token = who.token->id;
    auto json = granted(api, *upload);
    if (!json) return responder.fail(std::move(json.error()));

    records::NewUpload created{std::move(*upload), std::nullopt, std::nullopt};
    // A bearer's keys are its token's own: nobody is answered with another's upload.
    if (*key) {
        created.idempotency = {(who.token ? who.token->id + "/" : "") + **key,
                               hex_lower(signer::sha256(request.body))};
    }
    if (who.token) created.token = {who.token->max_uploads, who.token->max_bytes, who.token->expires_at};
    // std::function wants a copyable callable; the responder moves.
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    api.uploads.create(std::move(created), [&api, counter, waiting, json = std::move(*json)](
                                               Result<records::Created> outcome) mutable {
        if (!outcome) return waiting->fail(std::move(outcome.error()));
        if (outcome->how == records::Created::How::created) {
            counter.add();
            failpoint::pass(failpoint::Point::before_create_answer);
            return waiting->respond(created_response(outcome->upload, std::move(json), Answered::first));
        }
        const auto first = as_created(std::move(outcome->upload));
        auto replay = granted(api, first);
        if (!replay) return waiting->fail(std::move(replay.error()));
        waiting->respond(created_response(first, std::move(*replay), Answered::again));
    });
}

void add_create_route(http::Router& router, const Api& api) {
    auto counter = api.metrics.counter({"photogate_uploads_created_total", "Uploads granted.", {}});
    const auto who = app_or_token_with_json({api.config.keys, api.tokens, api.clock});
    for (const char* pattern : {"/v1/uploads", "/u/{token}/v1/uploads"}) {
        router.add({http::Method::post, pattern,
                    [&api, counter](http::Request request, http::Responder responder) mutable {
                        create_upload(api, counter, std::move(request), std::move(responder));
                    },
                    kBodyLimit, who, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
