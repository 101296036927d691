// POST /v1/uploads/{id}/url: the URL of an image or of one version of it, signed where that is needed.
// POST /v1/cookies: a cookie for all images of a private profile, or those with certain metadata.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/endpoint.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"

namespace photogate::gateway::routes {
namespace {

using access::ImageLink;
using delivery::AskedImage;
using http::Request;
using http::Response;

constexpr std::size_t kSmallBody = 4'096;
constexpr std::chrono::seconds kUsualLife{3'600};
/// Browsers keep no cookie longer than 400 days (RFC 6265bis, 5.6.1).
constexpr std::chrono::seconds kLongestLife{366 * 24 * 3'600};
constexpr std::size_t kMostMetadata = 8;

constexpr json::IntegerRule kLife{
    .least = 1, .most = kLongestLife.count(), .code = ErrorCode::invalid_expiry};

struct UrlRequest {
    AskedImage asked;
    std::optional<ImageLink::Scope> scope;
    std::chrono::seconds life = kUsualLife;
};

/// The member as a URL says it, taken out of the object. No rule of Fields takes a number with a fraction.
std::optional<std::string> take_density(json::Value& body) {
    auto& members = *body.object();
    const auto found = std::find_if(members.begin(), members.end(),
                                    [](const auto& member) { return member.first == "dpr"; });
    if (found == members.end()) return std::nullopt;
    const json::Value value = std::move(found->second);
    members.erase(found);
    if (value.is_null()) return std::nullopt;
    if (const auto* whole = value.integer()) return std::to_string(*whole);
    if (const auto* number = value.number()) return fmt::format("{}", *number);
    return "of another type";
}

Result<UrlRequest> read_url_request(std::string_view body) {
    UrlRequest wanted;
    if (body.empty()) return wanted;
    auto document = json::read_object(body);
    if (!document) return fail(std::move(document.error()));
    const auto density = take_density(*document);
    json::Fields fields(*document);
    std::vector<std::pair<std::string, std::string>> asked;
    for (const char* name : {"width", "height", "quality"})
        if (const auto number = fields.integer(name)) asked.emplace_back(name, std::to_string(*number));
    for (const char* name : {"fit", "gravity", "format", "variant"})
        if (auto word = fields.text(name)) asked.emplace_back(name, std::move(*word));
    if (density) asked.emplace_back("dpr", *density);
    std::vector<delivery::NamedValue> sound;
    for (const auto& [name, value] : asked) {
        const delivery::NamedValue pair{name, value};
        if (const auto alone = delivery::read_parameters({}, {&pair, 1}); !alone)
            fields.refuse(name, ErrorCode::invalid_field, alone.error().detail);
        else
            sound.push_back(pair);
    }
    if (const auto scope = fields.text("scope")) {
        if (*scope != "version" && *scope != "image")
            fields.refuse("scope", ErrorCode::invalid_field, "'scope' is version or image");
        wanted.scope = *scope == "image" ? ImageLink::Scope::image : ImageLink::Scope::version;
    }
    if (const auto seconds = fields.integer("expires_in", kLife))
        wanted.life = std::chrono::seconds{*seconds};
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    auto read = delivery::read_parameters({}, sound);
    if (!read) return fail(std::move(read.error()));
    wanted.asked = *read;
    return wanted;
}

std::string url_json(const std::string& url, const std::optional<ImageLink>& link) {
    json::Writer json;
    json.begin_object();
    json.name("url");
    json.text(url);
    json.name("scope");
    if (link)
        json.text(link->scope == ImageLink::Scope::image ? "image" : "version");
    else
        json.null();
    json.name("expires_at");
    link ? json.text(format_rfc3339(link->expires_at)) : json.null();
    json.end_object();
    return json.take();
}

/// How the URL has to be signed; nullopt: not at all.
Result<std::optional<ImageLink>> link_for(const Api& api, const Request& request, const UrlRequest& wanted,
                                          const model::Upload& upload) {
    if (!wanted.scope && !model::is_private(*api.apps.now(), upload.app, upload.profile))
        return std::optional<ImageLink>{};
    ImageLink link;
    link.image = upload.public_id;
    link.version = delivery::canonical_query(wanted.asked);
    link.expires_at = std::chrono::floor<std::chrono::seconds>(api.clock.now()) + wanted.life;
    link.scope = wanted.scope.value_or(ImageLink::Scope::version);
    const auto* token = caller(request).token();
    if (token == nullptr) return std::optional{std::move(link)};
    // A signature for a version is for any size. Whoever is a stranger to the app does not choose those.
    if (wanted.scope == ImageLink::Scope::version)
        return fail(ErrorCode::forbidden, "a client token gets links with the scope image alone");
    link.scope = ImageLink::Scope::image;
    link.expires_at = std::min(link.expires_at, token->expires_at);
    return std::optional{std::move(link)};
}

Result<Response> make_url(const Api& api, const Request& request) {
    const auto id = parse_upload_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::upload_not_found, "there is no such upload");
    const auto wanted = read_url_request(request.body);
    if (!wanted) return fail(wanted.error());
    const auto upload = api.service.find(asking(request), *id);
    if (!upload) return fail(upload.error());
    if (model::is_final(upload->state) && upload->state != model::UploadState::published)
        return fail(ErrorCode::state_conflict,
                    fmt::format("the upload is {}: it has no image", model::to_string(upload->state)));
    const auto link = link_for(api, request, *wanted, *upload);
    if (!link) return fail(link.error());
    auto query = delivery::canonical_query(wanted->asked);
    if (*link) {
        const auto signer = api.image_access.keys()->of(upload->app);
        if (signer == nullptr) return fail(ErrorCode::forbidden, "this app is no longer configured");
        query.append(query.empty() ? "" : "&").append(access::sign_link(*signer, **link));
    }
    auto url = api.image_base + "/i/" + upload->public_id.str();
    if (!query.empty()) url += "?" + query;
    return Response::json(200, url_json(url, *link));
}

struct CookieRequest {
    std::optional<std::string> profile;
    model::TextMap metadata;
    std::chrono::seconds life = kUsualLife;
    std::string same_site;
    std::optional<std::string> domain;
};

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSameSite = {
    {{"lax", "Lax"}, {"strict", "Strict"}, {"none", "None"}}};

void read_metadata(json::Fields& fields, model::TextMap& into) {
    const auto* metadata = fields.object("metadata", {.code = ErrorCode::invalid_metadata});
    if (!metadata) return;
    json::Fields inner(*metadata, "/metadata");
    for (const auto& [name, unused] : *metadata->object()) {
        auto value = inner.text(name, {.shortest = 0, .code = ErrorCode::invalid_metadata});
        if (value) into.emplace(name, std::move(*value));
    }
    const auto count = metadata->object()->size();
    fields.take(std::move(inner));
    if (count == 0 || count > kMostMetadata)
        fields.refuse(
            "metadata", ErrorCode::invalid_metadata,
            fmt::format("'metadata' has 1 to {} members; leave it out for all images of the profile",
                        kMostMetadata));
}

Result<CookieRequest> read_cookie_request(std::string_view body) {
    const auto document = json::read_object(body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    CookieRequest wanted;
    wanted.profile = fields.text("profile", {.longest = 64, .code = ErrorCode::unknown_profile});
    read_metadata(fields, wanted.metadata);
    if (const auto seconds = fields.integer("expires_in", kLife))
        wanted.life = std::chrono::seconds{*seconds};
    const auto word = fields.text("same_site").value_or("lax");
    for (const auto& [name, attribute] : kSameSite)
        if (word == name) wanted.same_site = attribute;
    if (wanted.same_site.empty())
        fields.refuse("same_site", ErrorCode::invalid_field, "'same_site' is lax, strict or none");
    wanted.domain = fields.text("domain", {.longest = 253});
    if (wanted.domain) {
        const auto endpoint = parse_endpoint("https://" + *wanted.domain);
        if (!endpoint || endpoint->host != *wanted.domain || wanted.domain->find('.') == std::string::npos)
            fields.refuse("domain", ErrorCode::invalid_field,
                          "'domain' is a host name in lower case that the pages and the gateway share");
    }
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return wanted;
}

Result<Response> make_cookie(const Api& api, const Request& request) {
    const auto app = api.catalog.app(*caller(request).app());
    if (!app) return fail(app.error());
    auto wanted = read_cookie_request(request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    const auto profile = (*app)->profile(wanted->profile);
    if (!profile) return fail(profile.error());
    if ((*profile)->delivery.audience != model::DeliveryPolicy::Audience::link_holders)
        return fail(ErrorCode::invalid_field, "the profile is not private: its images need no cookie");
    const auto now = std::chrono::floor<std::chrono::seconds>(api.clock.now());
    const access::GalleryPass pass{(*app)->name, (*profile)->name, std::move(wanted->metadata),
                                   now + wanted->life};
    const auto signer = api.image_access.keys()->of(pass.app);
    if (signer == nullptr) return fail(ErrorCode::forbidden, "this app is no longer configured");
    const auto value = access::cookie_value(*signer, pass);
    if (!value) return fail(ErrorCode::invalid_metadata, "'metadata' is too long for a cookie");
    const auto name = access::cookie_name(pass);
    auto line = fmt::format("{}={}; Max-Age={}; Path=/i/; Secure; HttpOnly; SameSite={}", name, *value,
                            wanted->life.count(), wanted->same_site);
    if (wanted->domain) line += "; Domain=" + *wanted->domain;
    json::Writer json;
    json.begin_object();
    json.name("name");
    json.text(name);
    json.name("value");
    json.text(*value);
    json.name("set_cookie");
    json.text(line);
    json.name("expires_at");
    json.text(format_rfc3339(pass.expires_at));
    json.end_object();
    return Response::json(201, json.take());
}

}  // namespace

void add_operator_link_routes(http::Router& router, const Api& api) {
    router.add(
        {http::Method::post, "/v1/uploads/{id}/url",
         http::answer_on(api.database_pool, [&api](Request& request) { return make_url(api, request); }),
         kSmallBody, access::operator_key(api.keys), ""});
}

void add_link_routes(http::Router& router, const Api& api) {
    const http::Handler url =
        http::answer_on(api.database_pool, [&api](Request& request) { return make_url(api, request); });
    for (const std::string base : {"/v1/uploads/{id}", "/u/{token}/v1/uploads/{id}"})
        router.add(
            {http::Method::post, base + "/url", url, kSmallBody, access::app_or_token(api.credentials()), ""},
            api.cors);
    router.add({http::Method::post, "/v1/cookies",
                http::answer_with([&api](Request& request) { return make_cookie(api, request); }), kSmallBody,
                http::json_only(access::app_key(api.keys)), ""},
               api.cors);
}

}  // namespace photogate::gateway::routes
