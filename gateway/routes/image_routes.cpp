// GET /i/{public id}[/{name}]: the published image at its published size.
#include <utility>

#include "gateway/routes/api.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

delivery::Conditions conditions(const Request& request) {
    return {request.headers.find("if-match"),          request.headers.find("if-none-match"),
            request.headers.find("if-modified-since"), request.headers.find("if-unmodified-since"),
            request.headers.find("if-range"),          request.headers.find("range")};
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

Result<Response> image(const Api& api, const Request& request) {
    for (const auto& parameter : request.query) {
        // `v` only makes a URL new; anything else would be forwarded nowhere, so it is not taken for granted
        // either.
        if (parameter.name != "v")
            return fail(ErrorCode::unknown_parameter,
                        "the query parameter '" + parameter.name + "' is unknown here");
    }
    const auto located = api.images.locate(request.parameter("id"));
    if (!located) return fail(located.error());
    const auto verdict = delivery::judge(conditions(request), located->validators, located->size);
    if (verdict.status == 412) return Response::empty(412);
    if (verdict.status == 416) {
        auto refused = Response::problem({ErrorCode::range_not_satisfiable,
                                          "the image has " + std::to_string(located->size) + " bytes",
                                          {},
                                          std::nullopt});
        refused.set("Content-Range", "bytes */" + std::to_string(located->size));
        return refused;
    }
    Response response;
    response.status = verdict.status;
    describe(response, *located);
    if (verdict.status == 304) {
        response.body = std::string{};
        return response;
    }
    auto bytes = api.images.read(*located, verdict.range);
    if (!bytes && bytes.error().code == ErrorCode::store_no_such_key)
        return fail(ErrorCode::gone, "the image was deleted");
    if (!bytes) return fail(ErrorCode::unavailable, "the object store is not available; try again");
    response.set("Content-Type", located->media_type);
    response.set("Content-Disposition", "inline; filename=\"" + located->filename + "\"");
    if (verdict.range) {
        response.set("Content-Range", "bytes " + std::to_string(verdict.range->first) + "-" +
                                          std::to_string(verdict.range->last) + "/" +
                                          std::to_string(located->size));
    }
    response.body = std::move(*bytes);
    return response;
}

}  // namespace

void add_image_routes(http::Router& router, const Api& api) {
    const auto handler =
        http::answer_on(api.store_pool, [&api](Request& request) { return image(api, request); });
    router.add({http::Method::get, "/i/{id}", handler, 0, {}, ""});
    router.add({http::Method::get, "/i/{id}/{name}", handler, 0, {}, ""});
}

}  // namespace photogate::gateway::routes
