// GET /i/{public id}[/{name}]: the published image at its published size.
//
// What the row can answer (HEAD, 304, 412, 416) is answered from it, on the database's pool. The store is
// asked on a pool of its own, so that slow images delay nothing else.
#include <algorithm>
#include <utility>
#include <vector>

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

/// `v` makes a URL new and means nothing else.
bool is_ours(std::string_view parameter) {
    return parameter == "v";
}

bool has_foreign_parameters(const Request& request) {
    return std::any_of(request.query.begin(), request.query.end(),
                       [](const auto& parameter) { return !is_ours(parameter.name); });
}

/// A parameter of ours that stands twice has no meaning. Others are what links collect on their way
/// (`utm_source`): the configuration decides.
Result<> check_parameters(const Request& request, config::UnknownParameters unknown) {
    std::vector<std::string_view> ours;
    for (const auto& parameter : request.query) {
        if (!is_ours(parameter.name)) {
            if (unknown == config::UnknownParameters::refused)
                return fail(ErrorCode::unknown_parameter,
                            "the query parameter '" + parameter.name + "' is unknown here");
        } else if (std::find(ours.begin(), ours.end(), parameter.name) != ours.end()) {
            return fail(ErrorCode::invalid_query,
                        "the query parameter '" + parameter.name + "' stands twice");
        } else {
            ours.push_back(parameter.name);
        }
    }
    return {};
}

/// To the same image without the parameters that are not ours.
Response without_foreign_parameters(const Request& request) {
    std::string location{request.raw_path()};
    char separator = '?';
    for (const auto& parameter : request.query) {
        if (!is_ours(parameter.name)) continue;
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

/// One image that is asked for, from the row to its bytes.
struct Delivery {
    const Api& api;
    http::Responder responder;
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

/// What the row alone answers; nullopt: the response lacks its body, which the store has.
std::optional<Response> from_row(const Request& request, Delivery& delivery) {
    const auto& image = delivery.image;
    const auto verdict = delivery::judge(conditions(request), image.validators, image.size);
    if (verdict.status == 412) return Response::empty(412);
    if (verdict.status == 416) return out_of_range(image.size);
    Response& response = delivery.response;
    response.status = verdict.status;
    delivery.range = verdict.range;
    describe(response, image);
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
    if (request.method != http::Method::head) return std::nullopt;
    response.body = http::StreamBody{nullptr, image.size};
    return std::move(response);
}

void look_up(const Api& api, const Request& request, http::Responder responder) {
    if (responder.abandoned()) return;
    auto located = api.images.locate(request.parameter("id"));
    if (!located) return responder.fail(std::move(located.error()));
    auto delivery = std::make_shared<Delivery>(
        Delivery{api, std::move(responder), std::move(*located), std::nullopt, {}});
    auto answer = from_row(request, *delivery);
    if (answer) return delivery->responder.respond(std::move(*answer));
    if (auto taken = api.image_pool.submit([delivery] { delivery->send(); }); !taken)
        delivery->responder.fail(std::move(taken.error()));
}

void get_image(const Api& api, Request request, http::Responder responder) {
    const auto unknown = api.config.delivery.unknown_parameters;
    if (auto known = check_parameters(request, unknown); !known)
        return responder.fail(std::move(known.error()));
    if (unknown == config::UnknownParameters::redirected && has_foreign_parameters(request))
        return responder.respond(without_foreign_parameters(request));
    struct Work {
        const Api& api;
        Request request;
        http::Responder responder;
        void operator()() { look_up(api, request, std::move(responder)); }
    };
    Work work{api, std::move(request), std::move(responder)};
    // What is refused was not moved from.
    if (auto taken = api.database_pool.submit(std::move(work)); !taken)
        work.responder.fail(std::move(taken.error()));  // NOLINT(bugprone-use-after-move)
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
