// GET /i/{public id}[/{name}]: the published image, or the version of it that its parameters ask for.
//
// A version that does not exist yet is made by delivery::VersionMaker, and this request goes on when it is there.
// What the row can answer (HEAD, 304, 412, 416) is answered from it, on the database's pool. The store is
// asked on a pool of its own, so that slow images delay nothing else.
#include <algorithm>
#include <utility>
#include <vector>

#include "delivery/parameters.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/image_stream.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

/// A range is asked of a GET alone (RFC 9110 14.2).
delivery::Conditions conditions(const Request& request) {
    const bool is_get = request.method == http::Method::get;
    return {request.headers.find("if-match"),          request.headers.find("if-none-match"),
            request.headers.find("if-modified-since"), request.headers.find("if-unmodified-since"),
            request.headers.find("if-range"),          is_get ? request.headers.find("range") : std::nullopt};
}

void describe(Response& response, const delivery::LocatedImage& image) {
    response.set("ETag", image.validators.etag);
    response.set("Last-Modified", format_http_date(image.validators.last_modified));
    response.set("Cache-Control", "public, max-age=31536000, immutable");
    response.set("Accept-Ranges", "bytes");
    response.set("Access-Control-Allow-Origin", "*");
    response.set("Cross-Origin-Resource-Policy", "cross-origin");
    response.set("Timing-Allow-Origin", "*");
    response.set("Content-Security-Policy", "default-src 'none'; sandbox");
}

bool has_foreign_parameters(const Request& request) {
    return std::any_of(request.query.begin(), request.query.end(),
                       [](const auto& parameter) { return !delivery::is_own_parameter(parameter.name); });
}

/// Parameters that are not ours are what links collect on their way (`utm_source`): the configuration decides.
Result<delivery::AskedImage> read_parameters(const Request& request, config::UnknownParameters unknown) {
    std::vector<delivery::NamedValue> query;
    for (const auto& parameter : request.query) {
        if (unknown == config::UnknownParameters::refused && !delivery::is_own_parameter(parameter.name))
            return fail(ErrorCode::unknown_parameter,
                        "the query parameter '" + parameter.name + "' is unknown here");
        query.push_back({parameter.name, parameter.value});
    }
    return delivery::read_parameters(request.parameter("name"), query);
}

/// To the same image without the parameters that are not ours.
Response without_foreign_parameters(const Request& request) {
    std::string location{request.raw_path()};
    char separator = '?';
    for (const auto& parameter : request.query) {
        if (!delivery::is_own_parameter(parameter.name)) continue;
        location += std::exchange(separator, '&') + signer::encode_component(parameter.name) + "=" +
                    signer::encode_component(parameter.value);
    }
    auto response = Response::empty(301);
    response.set("Location", std::move(location));
    response.set("Cache-Control", "public, max-age=86400");
    return response;
}

Response out_of_range(std::uint64_t size) {
    auto refused = Response::problem({ErrorCode::range_not_satisfiable,
                                      "the image has " + std::to_string(size) + " bytes",
                                      {},
                                      std::nullopt});
    refused.set("Content-Range", "bytes */" + std::to_string(size));
    return refused;
}

/// One image that is asked for, from its URL to its bytes. Used by one thread at a time.
struct Delivery {
    const Api& api;
    Request request;
    http::Responder responder;
    delivery::AskedImage asked;
    bool varies = false;  ///< with the request's Accept
    delivery::LocatedImage image;
    std::optional<storage::objects::ByteRange> range;
    Response response;

    void send() {
        if (responder.abandoned()) return;
        auto made = ImageStream::body({api.images, api.image_budget, api.image_pool}, image, range);
        if (made) {
            response.body = std::move(*made);
            return responder.respond(std::move(response));
        }
        switch (made.error().code) {
            case ErrorCode::store_no_such_key:
                return responder.fail({ErrorCode::gone, "the image was deleted", {}, std::nullopt});
            case ErrorCode::store_protocol:
            case ErrorCode::overloaded:
                return responder.fail(std::move(made.error()));
            default:
                return responder.fail({ErrorCode::unavailable,
                                       "the object store is not available; try again",
                                       {},
                                       std::nullopt});
        }
    }
};
using Shared = std::shared_ptr<Delivery>;

/// What the row alone answers; nullopt: the response lacks its body, which the store has.
std::optional<Response> from_row(Delivery& delivery) {
    const auto& image = delivery.image;
    const auto verdict = delivery::judge(conditions(delivery.request), image.validators, image.size);
    if (verdict.status == 412) return Response::empty(412);
    if (verdict.status == 416) return out_of_range(image.size);
    Response& response = delivery.response;
    response.status = verdict.status;
    delivery.range = verdict.range;
    describe(response, image);
    if (delivery.varies) response.set("Vary", "Accept");
    if (verdict.status == 304) {
        response.body = std::string{};
        return std::move(response);
    }
    response.set("Content-Type", image.media_type);
    response.set("Content-Disposition", "inline; filename=\"" + image.filename + "\"");
    if (verdict.range) {
        response.set("Content-Range", "bytes " + std::to_string(verdict.range->first) + "-" +
                                          std::to_string(verdict.range->last) + "/" +
                                          std::to_string(image.size));
    }
    if (delivery.request.method != http::Method::head) return std::nullopt;
    response.body = http::StreamBody{nullptr, image.size};
    return std::move(response);
}

void serve(const Shared& delivery, Result<delivery::LocatedImage> image) {
    if (!image) return delivery->responder.fail(std::move(image.error()));
    delivery->image = std::move(*image);
    auto answer = from_row(*delivery);
    if (answer) return delivery->responder.respond(std::move(*answer));
    if (auto taken = delivery->api.image_pool.submit([delivery] { delivery->send(); }); !taken)
        delivery->responder.fail(std::move(taken.error()));
}

/// Of a version that nobody has asked for: its size and ETag are known when it is made, and HEAD makes nothing.
Response unmade(const Delivery& delivery, imaging::Format format) {
    Response response;
    response.set("Content-Type", imaging::media_type(format));
    response.set("Cache-Control", "no-store");
    if (delivery.varies) response.set("Vary", "Accept");
    response.body = http::StreamBody{nullptr, std::nullopt};
    return response;
}

void serve_version(const Shared& delivery, delivery::LocatedImage source, imaging::VersionSpec spec) {
    const auto& api = delivery->api;
    const auto stored = api.versions.find({source.upload, spec.key()});
    if (!stored) return delivery->responder.fail(stored.error());
    if (*stored) return serve(delivery, version_of(std::move(source), **stored));
    if (delivery->request.method == http::Method::head)
        return delivery->responder.respond(unmade(*delivery, *spec.format));
    if (!api.version_maker)
        return delivery->responder.fail({ErrorCode::unavailable,
                                         "this gateway makes no images, and this one is not made yet",
                                         {},
                                         std::nullopt});
    delivery::VersionOrder order{source, std::move(spec)};
    api.version_maker->make(std::move(order),
                            [delivery, source](const Result<storage::records::StoredVersion>& made) {
                                if (!made) return delivery->responder.fail(made.error());
                                serve(delivery, version_of(source, *made));
                            });
}

/// What the profile offers, or the standard where configuration no longer has it.
const model::DeliveryPolicy& policy_of(const config::Config& config, const delivery::LocatedImage& image) {
    static const model::DeliveryPolicy standard;
    const auto app = config.apps.find(image.app);
    if (app == config.apps.end()) return standard;
    const auto profile = app->second.profiles.find(image.profile);
    return profile == app->second.profiles.end() ? standard : profile->second.delivery;
}

/// Several fields are one list (RFC 9110 5.3).
std::string accept_of(const Request& request) {
    std::string all;
    for (const auto field : request.headers.all("accept"))
        all.append(all.empty() ? "" : ",").append(field);
    return all;
}

void look_up(const Shared& delivery) {
    if (delivery->responder.abandoned()) return;
    auto located = delivery->api.images.locate(delivery->request.parameter("id"));
    if (!located || delivery->asked.is_plain()) return serve(delivery, std::move(located));
    const delivery::SourceImage source{located->width, located->height, located->format};
    auto chosen = delivery::choose_version(delivery->asked, accept_of(delivery->request),
                                           policy_of(delivery->api.config, *located), source);
    if (!chosen) return delivery->responder.fail(std::move(chosen.error()));
    delivery->varies = chosen->varies;
    if (!chosen->spec) return serve(delivery, std::move(located));
    serve_version(delivery, std::move(*located), std::move(*chosen->spec));
}

void get_image(const Api& api, Request request, http::Responder responder) {
    const auto unknown = api.config.delivery.unknown_parameters;
    auto asked = read_parameters(request, unknown);
    if (!asked) return responder.fail(std::move(asked.error()));
    if (unknown == config::UnknownParameters::redirected && has_foreign_parameters(request))
        return responder.respond(without_foreign_parameters(request));
    auto delivery = std::make_shared<Delivery>(
        Delivery{api, std::move(request), std::move(responder), *asked, false, {}, std::nullopt, {}});
    if (auto taken = api.database_pool.submit([delivery] { look_up(delivery); }); !taken)
        delivery->responder.fail(std::move(taken.error()));
}

}  // namespace

void add_image_routes(http::Router& router, const Api& api) {
    const http::Handler handler = [&api](Request request, http::Responder responder) {
        get_image(api, std::move(request), std::move(responder));
    };
    for (const char* pattern : {"/i/{id}", "/i/{id}/{name}"})
        router.add({http::Method::get, pattern, handler, 0, {}, ""});
}

}  // namespace photogate::gateway::routes
