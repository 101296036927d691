#include "gateway/uppy/uppy_routes.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/routes/caller.hpp"
#include "gateway/routes/near_region.hpp"
#include "gateway/routes/part_request.hpp"
#include "gateway/uppy/uppy_wire.hpp"
#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::gateway::uppy {
namespace {

namespace uploads = pipeline::uploads;
using http::Request;
using http::Responder;
using http::Response;
using routes::Api;
using routes::asking;
using routes::caller;

constexpr std::size_t kSmallBody = 64U << 10;
constexpr std::string_view kStorePart = "/s3/store/";

const model::ClientToken& token_of(const Request& request) {
    // The path's token is the only credential of these routes.
    return *caller(request).token();
}

Response xml(std::string text) {
    auto response = Response::text(200, std::move(text));
    response.set("Content-Type", "application/xml");
    return response;
}

std::int64_t seconds_until(const Api& api, Timestamp end) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(end - api.clock.now());
    return std::max<std::int64_t>(1, left.count());
}

/// Where the picture is going to be.
std::string location_of(const Api& api, const model::Upload& upload) {
    return api.image_base + notifier::callbacks::image_path(upload.public_id);
}

/// Which upload is meant. Errors: upload_not_found.
Result<UploadId> opened(const UppyApi& of, const Request& request, std::string_view sealed,
                        const std::optional<std::string_view>& key) {
    const auto upload = of.seals.open(sealed, token_of(request).id);
    if (!upload) return fail(upload.error());
    if (key && *key != upload->key.str())
        return fail(ErrorCode::upload_not_found, "'key' is not the key that belongs to this uploadId");
    return upload->id;
}

/// Of the routes of Companion, where the key is a parameter and has to be there.
Result<UploadId> opened(const UppyApi& of, const Request& request) {
    return opened(of, request, request.parameter("upload"), request.query_value("key").value_or(""));
}

using AnswerTo = std::function<Response(const uploads::Granted&)>;

void create(const UppyApi& of, const Request& request, Responder responder, Result<Wanted> wanted,
            const char* method, AnswerTo answer) {
    if (!wanted) return responder.fail(std::move(wanted.error()));
    wanted->grant.method = method;
    routes::set_origin(request, wanted->grant);
    wanted->grant.divided_by_client = true;
    wanted->grant.near = routes::near_region(of.api, request, wanted->grant);
    wanted->redirect = uploads::FormRedirect::none;
    auto planned = of.api.service.plan(asking(request), std::move(*wanted));
    if (!planned) return responder.fail(std::move(planned.error()));
    auto waiting = std::make_shared<Responder>(std::move(responder));
    auto granted = std::make_shared<const uploads::Granted>(planned->granted);
    of.api.service.create(std::move(*planned), [waiting, granted, answer = std::move(answer)](
                                                   const Result<uploads::Created>& created) {
        if (!created) return waiting->fail(created.error());
        waiting->respond(answer(*granted));
    });
}

/// A form where the profile has them: it may be sent again after a cut, and its policy bounds the size. Otherwise a PUT, which
/// only Uppy 4 and 5 take.
const char* single_method(const Api& api, const Request& request) {
    const auto app = api.catalog.app(token_of(request).app);
    const auto profile = app ? (*app)->profile(token_of(request).profile.str()) : fail(app.error());
    if (!profile) return "post";  // refused by plan()
    const auto& methods = (*profile)->methods;
    const auto offers = [&](model::GrantMethod method) {
        return std::find(methods.begin(), methods.end(), method) != methods.end();
    };
    const bool takes_put = request.headers.find("accept").value_or("").starts_with("application/json");
    return !offers(model::GrantMethod::post) && offers(model::GrantMethod::put) && takes_put ? "put" : "post";
}

void params(const UppyApi& of, const Request& request, Responder responder) {
    create(of, request, std::move(responder), read_params(request), single_method(of.api, request),
           [&of](const uploads::Granted& granted) {
               return Response::json(
                   200, params_json({granted, seconds_until(of.api, granted.upload.expires_at)}));
           });
}

void create_multipart(const UppyApi& of, const Request& request, Responder responder) {
    create(
        of, request, std::move(responder), read_creation(request.body), "multipart",
        [&of, token = token_of(request).id](const uploads::Granted& granted) {
            const auto& upload = granted.upload;
            return Response::json(200, created_json(upload, of.seals.seal({upload.id, upload.key}, token)));
        });
}

Result<Response> list_parts(const UppyApi& of, const Request& request) {
    const auto id = opened(of, request);
    if (!id) return fail(id.error());
    const auto parts = of.api.service.list_parts(asking(request), *id);
    if (!parts) return fail(parts.error());
    return Response::json(200, listed_json(*parts));
}

Result<uploads::SignedParts> sign(const UppyApi& of, const Request& request, const UploadId& id,
                                  const std::vector<std::uint32_t>& numbers) {
    std::vector<pipeline::WantedPart> wanted;
    wanted.reserve(numbers.size());
    for (const auto number : numbers)
        wanted.push_back({number, {}});
    return of.api.service.sign_parts(asking(request), id, wanted, {});
}

Result<Response> sign_part(const UppyApi& of, const Request& request) {
    const auto number = read_part_number(request.parameter("part"));
    if (!number) return fail(number.error());
    const auto id = opened(of, request);
    if (!id) return fail(id.error());
    const auto parts = sign(of, request, *id, {*number});
    if (!parts) return fail(parts.error());
    return Response::json(200, part_json(parts->parts.front(), seconds_until(of.api, parts->expires_at)));
}

Result<Response> sign_batch(const UppyApi& of, const Request& request) {
    const auto numbers = read_part_numbers(request.query_value("partNumbers").value_or(""));
    if (!numbers) return fail(numbers.error());
    const auto id = opened(of, request);
    if (!id) return fail(id.error());
    const auto parts = sign(of, request, *id, *numbers);
    if (!parts) return fail(parts.error());
    return Response::json(200, batch_json(parts->parts));
}

Result<model::Upload> join(const UppyApi& of, const Request& request, const Result<UploadId>& id,
                           Result<std::vector<pipeline::NamedPart>> parts) {
    if (!id) return fail(id.error());
    if (!parts) return fail(std::move(parts.error()));
    return of.api.service.complete(asking(request), *id, std::move(*parts));
}

Result<Response> complete(const UppyApi& of, const Request& request) {
    const auto upload = join(of, request, opened(of, request), read_completion(request.body));
    if (!upload) return fail(upload.error());
    return Response::json(200, completed_json(*upload, location_of(of.api, *upload)));
}

Result<> abort(const UppyApi& of, const Request& request, const Result<UploadId>& id) {
    if (!id) return fail(id.error());
    const auto ended = of.api.service.cancel_or_erase(asking(request), *id);
    if (!ended) return fail(ended.error());
    of.api.waiters.finished(*ended);
    return {};
}

Result<Response> abort_multipart(const UppyApi& of, const Request& request) {
    if (auto aborted = abort(of, request, opened(of, request)); !aborted) return fail(aborted.error());
    return Response::json(200, "{}");
}

/// As Companion answers where there are none. What they would permit is more than one upload.
Result<Response> no_temporary_credentials(const Request&) {
    return fail(ErrorCode::bad_request,
                "temporary credentials are not given out; leave getTemporarySecurityCredentials away");
}

// What `signRequest` signs.

std::string store_url(const UppyApi& of, const Request& request, const std::string& sealed) {
    return of.api.image_base + "/u/" + std::string{request.parameter("token")} + std::string{kStorePart} +
           sealed;
}

/// Of an upload that there is: a part at the store, everything else here.
Result<Response> sign_for_multipart(const UppyApi& of, const Request& request, const SignRequest& wanted) {
    const auto id = opened(of, request, wanted.upload_id, wanted.key);
    if (!id) return fail(id.error());
    if (wanted.operation != SignRequest::Operation::upload_part)
        return Response::json(200, signed_json(store_url(of, request, wanted.upload_id)));
    const auto parts = sign(of, request, *id, {wanted.part_number});
    if (!parts) return fail(parts.error());
    return Response::json(200, signed_json(parts->parts.front().url));
}

void presign(const UppyApi& of, Request request, Responder responder) {
    auto wanted = read_sign_request(request.body);
    if (!wanted) return responder.fail(std::move(wanted.error()));
    using Operation = SignRequest::Operation;
    Wanted grant;
    grant.grant.filename = wanted->key;
    grant.grant.content_type = wanted->content_type;
    if (wanted->operation == Operation::put_object)
        return create(of, request, std::move(responder), std::move(grant), "post",
                      [&of](const uploads::Granted& granted) {
                          const auto left = seconds_until(of.api, granted.upload.expires_at);
                          return Response::json(200, signed_form_json({granted, left}));
                      });
    if (wanted->operation == Operation::create_multipart) {
        const auto shared = std::make_shared<const Request>(std::move(request));
        return create(of, *shared, std::move(responder), std::move(grant), "multipart",
                      [&of, shared](const uploads::Granted& granted) {
                          const auto& upload = granted.upload;
                          const auto sealed = of.seals.seal({upload.id, upload.key}, token_of(*shared).id);
                          return Response::json(200, signed_json(store_url(of, *shared, sealed) + "?uploads",
                                                                 upload.key.str()));
                      });
    }
    auto waiting = std::make_shared<Responder>(std::move(responder));
    const auto taken =
        of.api.store_pool.submit([&of, waiting, wanted = std::move(*wanted),
                                  request = std::make_shared<const Request>(std::move(request))] {
            waiting->reply(sign_for_multipart(of, *request, wanted));
        });
    if (!taken) waiting->fail(taken.error());
}

/// `POST …?uploads` gives the upload's id; without `uploads` it joins the parts.
Result<Response> store_post(const UppyApi& of, const Request& request) {
    const auto sealed = request.parameter("upload");
    const auto id = opened(of, request, sealed, {});
    if (!request.query_value("uploads")) {
        const auto upload = join(of, request, id, read_completion_xml(request.body));
        if (!upload) return fail(upload.error());
        return xml(completed_xml(*upload, location_of(of.api, *upload)));
    }
    if (!id) return fail(id.error());
    const auto upload = of.api.service.find(asking(request), *id);
    if (!upload) return fail(upload.error());
    return xml(initiated_xml(*upload, std::string{sealed}));
}

Result<Response> store_list(const UppyApi& of, const Request& request) {
    const auto id = opened(of, request, request.parameter("upload"), {});
    if (!id) return fail(id.error());
    const auto parts = of.api.service.list_parts(asking(request), *id);
    if (!parts) return fail(parts.error());
    return xml(listed_xml(*parts));
}

Result<Response> store_abort(const UppyApi& of, const Request& request) {
    if (auto aborted = abort(of, request, opened(of, request, request.parameter("upload"), {})); !aborted)
        return fail(aborted.error());
    return Response::empty(204);
}

std::shared_ptr<const http::CorsRule> with_uppy_fields(const std::shared_ptr<const http::CorsRule>& rule) {
    if (!rule) return nullptr;
    auto wider = *rule;
    for (const auto* name : {"uppy-auth-token", "uppy-credentials-params", "Origin", "Accept"})
        wider.headers.emplace_back(name);
    return std::make_shared<const http::CorsRule>(std::move(wider));
}

/// Of `/u/TOKEN/s3/params` what stands behind the token; empty of other paths.
std::string_view behind_token(std::string_view path) {
    constexpr std::string_view kPlace = "/u/";
    if (!path.starts_with(kPlace)) return {};
    const auto end = path.find('/', kPlace.size());
    if (end == std::string_view::npos) return {};
    path.remove_prefix(end);
    if (path.starts_with("//")) path.remove_prefix(1);
    return path;
}

/// HTTP/1.1 lets a reason phrase have visible ASCII and spaces.
std::string reason_of(const std::string& message) {
    constexpr std::size_t kLongestReason = 200;
    auto reason = message.substr(0, kLongestReason);
    std::replace_if(
        reason.begin(), reason.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return reason;
}

}  // namespace

void add_uppy_routes(http::Router& router, const UppyApi& of) {
    const auto& api = of.api;
    const auto who = access::app_or_token(api.credentials());
    const auto cors = with_uppy_fields(api.cors);
    const std::string base = "/u/{token}/s3/";
    const auto add = [&](http::Method method, const char* rest, http::Handler handler, std::size_t body) {
        router.add({method, base + rest, std::move(handler), body, who, ""}, cors);
    };
    const auto on = [&of](http::WorkPool& pool, auto call) {
        return http::answer_on(pool, [&of, call](Request& request) { return call(of, request); });
    };
    const auto now = [&of](auto call) -> http::Handler {
        return [&of, call](Request request, Responder responder) {
            call(of, std::move(request), std::move(responder));
        };
    };
    add(http::Method::get, "params", now(params), 0);
    add(http::Method::get, "sts", http::answer_with(no_temporary_credentials), 0);
    add(http::Method::post, "multipart", now(create_multipart), kSmallBody);
    add(http::Method::get, "multipart/{upload}", on(api.store_pool, list_parts), 0);
    add(http::Method::delete_, "multipart/{upload}", on(api.database_pool, abort_multipart), kSmallBody);
    add(http::Method::get, "multipart/{upload}/batch", on(api.store_pool, sign_batch), 0);
    add(http::Method::get, "multipart/{upload}/{part}", on(api.store_pool, sign_part), 0);
    add(http::Method::post, "multipart/{upload}/complete", on(api.store_pool, complete),
        routes::kLongestPartList);
    add(http::Method::post, "presign", now(presign), kSmallBody);
    add(http::Method::get, "store/{upload}", on(api.store_pool, store_list), 0);
    add(http::Method::post, "store/{upload}", on(api.store_pool, store_post), routes::kLongestPartList);
    add(http::Method::delete_, "store/{upload}", on(api.database_pool, store_abort), 0);
}

void UppyErrors::word(http::Response& response, const http::ErrorContext& context) const {
    const auto rest = behind_token(context.path);
    if (!rest.starts_with("/s3/")) return rest_.word(response, context);
    const Error error = std::move(std::get<Error>(response.body));
    response.reason = reason_of(message_of(error));
    if (rest.starts_with(kStorePart)) {
        response.set("Content-Type", "application/xml");
        response.body = error_xml(error, context.request_id);
    } else {
        response.set("Content-Type", "application/json");
        response.body = error_json(error, context.request_id);
    }
}

}  // namespace photogate::gateway::uppy
