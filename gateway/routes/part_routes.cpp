// GET /v1/uploads/{id}/parts and POST /v1/uploads/{id}/parts/sign: uploads that are sent in parts. Both may ask the store, so
// they run on its pool.
#include "gateway/http/work_pool.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/part_request.hpp"
#include "gateway/routes/upload_routes.hpp"

namespace photogate::gateway::routes {
namespace {

Result<UploadId> upload_id(const http::Request& request) {
    const auto id = parse_upload_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::upload_not_found, "there is no such upload");
    return *id;
}

Result<http::Response> list_parts(const Api& api, const http::Request& request) {
    const auto id = upload_id(request);
    if (!id) return fail(id.error());
    const auto listed = api.service.list_parts(asking(request), *id);
    if (!listed) return fail(listed.error());
    return http::Response::json(200, listed_parts_json(*listed));
}

Result<http::Response> sign_parts(const Api& api, telemetry::Counter counter, const http::Request& request) {
    const auto id = upload_id(request);
    if (!id) return fail(id.error());
    const auto wanted = read_parts_to_sign(request.body);
    if (!wanted) return fail(wanted.error());
    const auto parts = api.service.sign_parts(asking(request), *id, wanted->parts, wanted->expires_in);
    if (!parts) return fail(parts.error());
    counter.add(static_cast<double>(parts->parts.size()));
    return http::Response::json(200, signed_parts_json(*parts));
}

}  // namespace

void add_part_routes(http::Router& router, const Api& api) {
    const auto counter = api.metrics.counter(
        {"photogate_parts_signed_total", "URLs of parts that were signed on demand.", {}});
    const auto anyone = access::key_or_token(api.credentials());
    for (const std::string base : {"/v1/uploads/{id}", "/u/{token}/v1/uploads/{id}"}) {
        router.add({http::Method::get, base + "/parts",
                    http::answer_on(api.store_pool,
                                    [&api](http::Request& request) { return list_parts(api, request); }),
                    0, anyone, ""},
                   api.cors);
        router.add({http::Method::post, base + "/parts/sign",
                    http::answer_on(api.store_pool,
                                    [&api, counter](http::Request& request) {
                                        return sign_parts(api, counter, request);
                                    }),
                    kLongestPartNumbers, anyone, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
