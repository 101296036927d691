// POST /v1/tokens: an app server asks for what it may hand to a browser or a phone.
#include <utility>

#include "base/field_errors.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "pipeline/uploads/client_tokens.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;
namespace uploads = pipeline::uploads;

constexpr std::size_t kBodyLimit = 8 * 1024;

void read_metadata(json::Fields& fields, uploads::TokenRequest& wanted) {
    const auto* metadata = fields.object("metadata", {.code = ErrorCode::invalid_metadata});
    if (!metadata) return;
    json::Fields inner(*metadata, "/metadata");
    for (const auto& [name, unused] : *metadata->object()) {
        auto value = inner.text(name, {.shortest = 0, .code = ErrorCode::invalid_metadata});
        if (value) wanted.metadata.emplace(name, std::move(*value));
    }
    fields.take(std::move(inner));
}

Result<uploads::TokenRequest> read_token_request(std::string_view body) {
    const auto document = json::read_object(body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    uploads::TokenRequest wanted;
    wanted.profile = fields.text("profile", {.longest = 64, .code = ErrorCode::unknown_profile});
    wanted.max_uploads = fields.integer("max_uploads", {.least = 1, .most = uploads::kMostTokenUploads})
                             .value_or(wanted.max_uploads);
    if (const auto bytes = fields.integer("max_bytes", {.least = 1}))
        wanted.max_bytes = static_cast<ByteSize>(*bytes);
    const json::IntegerRule life{
        .least = 1, .most = uploads::kLongestTokenLife.count(), .code = ErrorCode::invalid_expiry};
    if (const auto seconds = fields.integer("expires_in", life)) wanted.life = std::chrono::seconds{*seconds};
    read_metadata(fields, wanted);
    if (auto sane = fields.finish(); !sane) {
        if (sane.error().fields.empty()) return fail(std::move(sane.error()));
        wanted.unreadable = std::move(sane.error().fields);
    }
    return wanted;
}

std::string token_json(const model::ClientToken& token, const std::string& text,
                       const std::string& base_url) {
    json::Writer json;
    json.begin_object();
    json.name("token");
    json.text(text);
    json.name("id");
    json.text(token.id);
    json.name("profile");
    json.text(token.profile.str());
    json.name("max_uploads");
    json.number(token.max_uploads);
    json.name("max_bytes");
    token.max_bytes ? json.number(*token.max_bytes) : json.null();
    json.name("expires_at");
    json.text(format_rfc3339(token.expires_at));
    json.name("metadata");
    json.begin_object();
    for (const auto& [name, value] : token.metadata) {
        json.any_name(name);
        json.text(value);
    }
    json.end_object();
    json.name("links");
    json.begin_object();
    json.name("uploads");
    json.text(base_url + "/u/" + text + "/v1/uploads");
    // Behind the `#`: browsers do not send that part, so it is in no log.
    json.name("page");
    json.text(base_url + "/#token=" + text);
    json.end_object();
    json.end_object();
    return json.take();
}

Result<Response> make_token(const Api& api, const Request& request) {
    const auto app = api.catalog.app(*caller(request).app());
    if (!app) return fail(app.error());
    auto wanted = read_token_request(request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    const auto token = uploads::make_token(**app, std::move(*wanted), api.clock.now(), api.random);
    if (!token) return fail(token.error());
    const auto text = api.tokens.sign(*token);
    // It would be too long, of characters that JSON escapes.
    if (!api.tokens.verify(text, api.clock.now()))
        return fail(
            field_errors({{"/metadata", ErrorCode::invalid_metadata,
                           "'metadata' is too long for a token: it has characters that JSON escapes"}}));
    auto response = Response::json(201, token_json(*token, text, api.image_base));
    response.set("Cache-Control", "no-store");
    return response;
}

}  // namespace

void add_token_routes(http::Router& router, const Api& api) {
    router.add({http::Method::post, "/v1/tokens",
                http::answer_with([&api](Request& request) { return make_token(api, request); }), kBodyLimit,
                http::json_only(access::app_key(api.keys)), ""},
               api.cors);
}

}  // namespace photogate::gateway::routes
