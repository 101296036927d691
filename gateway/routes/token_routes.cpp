// POST /v1/tokens: an app server asks for what it may hand to a browser or a phone.
#include "gateway/routes/token_routes.hpp"

#include <utility>

#include "base/json/writer.hpp"
#include "gateway/http/json_fields.hpp"
#include "gateway/routes/upload_request.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t kBodyLimit = 8 * 1024;
constexpr std::int64_t kMostUploads = 10'000;
constexpr std::int64_t kDefaultUploads = 20;
constexpr std::int64_t kDefaultSeconds = 3'600;
constexpr std::int64_t kLongestSeconds = 7 * 24 * 3'600;
/// A token travels in URLs and headers.
constexpr std::size_t kMostMetadata = 1'024;

struct TokenRequest {
    ClientToken token;
    std::vector<FieldError> mistakes;
};

Result<TokenRequest> read_token_request(const Api& api, const model::App& app, std::string_view body) {
    const auto document = http::read_json_object(body);
    if (!document) return fail(document.error());
    http::JsonFields fields(*document);
    pipeline::GrantRequest first;
    first.profile = fields.text("profile", {.longest = 64, .code = ErrorCode::unknown_profile});
    TokenRequest wanted;
    auto& token = wanted.token;
    token.max_uploads = static_cast<std::uint64_t>(
        fields.integer("max_uploads", {.least = 1, .most = kMostUploads}).value_or(kDefaultUploads));
    if (const auto bytes = fields.integer("max_bytes", {.least = 1}))
        token.max_bytes = static_cast<ByteSize>(*bytes);
    const auto seconds =
        fields.integer("expires_in", {.least = 1, .most = kLongestSeconds, .code = ErrorCode::invalid_expiry})
            .value_or(kDefaultSeconds);
    std::size_t bytes = 0;
    if (const auto* metadata = fields.object("metadata", {.code = ErrorCode::invalid_metadata})) {
        http::JsonFields inner(*metadata, "/metadata");
        for (const auto& [name, unused] : *metadata->object()) {
            auto value = inner.text(name, {.shortest = 0, .code = ErrorCode::invalid_metadata});
            if (!value) continue;
            bytes += name.size() + value->size();
            first.metadata.emplace(name, std::move(*value));
        }
        fields.take(std::move(inner));
    }
    if (bytes > kMostMetadata)
        fields.refuse("metadata", ErrorCode::invalid_metadata,
                      "a token's 'metadata' has at most 1024 bytes in all");
    if (auto sane = fields.finish(); !sane) {
        if (sane.error().fields.empty()) return fail(std::move(sane.error()));
        wanted.mistakes = std::move(sane.error().fields);
    }
    // What its uploads would be refused for is refused here already.
    if (const auto profile = app.profile(first.profile)) {
        first.method = std::string{to_string((*profile)->methods.front())};
        token.profile = (*profile)->name;
    }
    first.size = 1;
    const auto now = api.clock.now();
    const auto planned =
        pipeline::plan_upload(first, app, api.stores, api.config.callbacks.policy, now, api.random);
    if (!planned || !wanted.mistakes.empty())
        return tl::unexpected(all_mistakes(std::move(wanted.mistakes), planned ? nullptr : &planned.error()));
    token.id = "tok_" + make_upload_id(now, api.random).str().substr(4);
    token.app = app.name;
    token.expires_at = std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds{seconds};
    token.metadata = std::move(first.metadata);
    return wanted;
}

std::string token_json(const ClientToken& token, const std::string& text) {
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
        json.name(name);
        json.text(value);
    }
    json.end_object();
    json.name("links");
    json.begin_object();
    json.name("uploads");
    json.text("/u/" + text + "/v1/uploads");
    // Behind the `#`: a browser sends that to nobody, so it is in no log.
    json.name("page");
    json.text("/#token=" + text);
    json.end_object();
    json.end_object();
    return json.take();
}

Result<Response> make_token(const Api& api, const Request& request) {
    const auto app = api.config.apps.find(caller(request).principal.app);
    if (app == api.config.apps.end()) return fail(ErrorCode::forbidden, "this key's app has no profiles");
    const auto wanted = read_token_request(api, app->second, request.body);
    if (!wanted) return fail(wanted.error());
    auto response = Response::json(201, token_json(wanted->token, api.tokens.sign(wanted->token)));
    response.set("Cache-Control", "no-store");
    return response;
}

}  // namespace

std::vector<FieldError> hold_to_token(const ClientToken& token, pipeline::GrantRequest& request) {
    std::vector<FieldError> mistakes;
    if (request.profile && *request.profile != token.profile.str())
        mistakes.push_back({"/profile", ErrorCode::unknown_profile,
                            "this client token is for the profile '" + token.profile.str() + "'"});
    if (!request.metadata.empty())
        mistakes.push_back({"/metadata", ErrorCode::invalid_metadata,
                            "metadata is the app server's: it stands in the client token"});
    if (request.callback_url)
        mistakes.push_back({"/callback_url", ErrorCode::invalid_callback_url,
                            "where callbacks go is the app server's to say"});
    if (token.max_bytes && !request.size)
        mistakes.push_back(
            {"/size", ErrorCode::invalid_size, "'size' is required: this client token limits bytes"});
    request.profile = token.profile.str();
    request.metadata = token.metadata;
    request.callback_url.reset();
    return mistakes;
}

bool may_see(const Caller& caller, const model::Upload& upload) {
    return !caller.token || upload.client_token == caller.token->id;
}

Result<> check_owner(const Api& api, const Request& request, const UploadId& id) {
    if (!caller(request).token) return {};
    const auto upload = api.uploads.find(scope(request), id);
    if (!upload) return fail(upload.error());
    if (!may_see(caller(request), *upload))
        return fail(ErrorCode::upload_not_found, "there is no such upload");
    return {};
}

void add_token_routes(http::Router& router, const Api& api) {
    router.add({http::Method::post, "/v1/tokens",
                http::answer_with([&api](Request& request) { return make_token(api, request); }), kBodyLimit,
                app_key_with_json(api.config.keys), ""},
               api.cors);
}

}  // namespace photogate::gateway::routes
