// Apps, keys and callback secrets, for an operator: /v1/apps and what is below it.
//
// What was changed is in force here when the answer is sent, and at the other gateways within a second. A key or secret is in
// the answer that makes it, and never again.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "gateway/access/api_key.hpp"
#include "gateway/config/callback_url.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/app_answers.hpp"
#include "gateway/routes/upload_request.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;
using storage::apps::StoredApp;
using storage::apps::StoredKey;
using storage::apps::StoredSecret;

constexpr std::size_t kSmallBody = 4'096;

ShownApp shown(const model::Apps& apps, const StoredApp& made) {
    const auto found = apps.find(made.name);
    return {made.name, &made, found == apps.end() ? nullptr : &found->second};
}

Secret new_callback_secret(Random& random) {
    std::array<std::uint8_t, 32> bytes{};
    random.fill(std::as_writable_bytes(std::span{bytes}));
    return Secret{"whsec_" + base64(bytes)};
}

Result<std::optional<std::string>> read_url(const Api& api, json::Fields& fields) {
    auto url = fields.text("callback_url", {.longest = 2'048, .code = ErrorCode::invalid_callback_url});
    if (!url) return std::optional<std::string>{};
    if (auto checked = config::check_own_callback_url(*url, api.config.callbacks.policy); !checked)
        fields.refuse("callback_url", checked.error().code, checked.error().detail);
    return url;
}

Result<storage::apps::NewApp> read_new_app(const Api& api, std::string_view body) {
    const auto document = json::read_object(body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    storage::apps::NewApp app;
    if (const auto text = fields.text("name", {.presence = json::Presence::required, .longest = 32})) {
        if (auto name = parse_app_name(*text))
            app.name = std::move(*name);
        else
            fields.refuse("name", ErrorCode::invalid_field, "'name': " + name.error().detail);
    }
    if (const auto text = fields.text("profiles_of", {.presence = json::Presence::required, .longest = 32})) {
        const auto apps = api.apps.now();
        const auto name = parse_app_name(*text);
        const auto model = name ? apps->find(*name) : apps->end();
        if (model == apps->end())
            fields.refuse(
                "profiles_of", ErrorCode::invalid_field,
                "'profiles_of' is the name of an app of the configuration, whose profiles the new one gets");
        else
            app.profiles_of = model->first;
    }
    auto url = read_url(api, fields);
    if (!url) return fail(std::move(url.error()));
    app.callback_url = std::move(*url);
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return app;
}

Result<Response> create(const Api& api, const Request& request) {
    auto wanted = read_new_app(api, request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    // An app of an app of the API is one of the configuration's all the same.
    if (const auto made = api.app_store.find(wanted->profiles_of)) wanted->profiles_of = made->profiles_of;
    if (api.keys.now()->names(wanted->name) || api.apps.now()->contains(wanted->name))
        return fail(ErrorCode::app_exists, "there is an app or an operator of this name");
    const auto key = access::make_api_key(wanted->name, api.random);
    const auto secret = new_callback_secret(api.random);
    const auto made = api.app_store.create(*wanted, {access::api_key_line(key), access::api_key_hint(key)},
                                           secret, actor_of(request));
    if (!made) return fail(made.error());
    take_over(api);
    const auto apps = api.apps.now();
    json::Writer out;
    out.begin_object();
    write_app(out, shown(*apps, made->app));
    out.name("key");
    write_key(out, made->key, &key);
    out.name("callback_secret");
    write_secret(out, made->secret, &secret);
    out.end_object();
    auto response = never_kept(201, out);
    response.set("Location", "/v1/apps/" + made->app.name.str());
    return response;
}

Result<Response> list(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {}); !known) return fail(known.error());
    const auto stored = api.app_store.all();
    if (!stored) return fail(stored.error());
    const auto apps = api.apps.now();
    json::Writer out;
    out.begin_object();
    out.name("data");
    out.begin_array();
    for (const auto& [name, app] : *apps) {
        const bool is_made = std::any_of(stored->begin(), stored->end(),
                                         [&](const StoredApp& made) { return made.name == name; });
        if (is_made) continue;
        out.begin_object();
        write_app(out, {name, nullptr, &app});
        out.end_object();
    }
    for (const auto& made : *stored) {
        out.begin_object();
        write_app(out, shown(*apps, made));
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return never_kept(200, out);
}

Result<Response> one_app(const Api& api, const AppName& name) {
    const auto made = api.app_store.find(name);
    if (!made && made.error().code != ErrorCode::app_not_found) return fail(made.error());
    const auto credentials = api.app_store.credentials(name);
    if (!credentials) return fail(credentials.error());
    const auto apps = api.apps.now();
    const auto found = apps->find(name);
    json::Writer out;
    out.begin_object();
    write_app(out, {name, made ? &*made : nullptr, found == apps->end() ? nullptr : &found->second});
    out.name("keys");
    out.begin_array();
    for (const auto& key : credentials->keys)
        write_key(out, key);
    out.end_array();
    out.name("callback_secrets");
    out.begin_array();
    for (const auto& secret : credentials->secrets)
        write_secret(out, secret);
    out.end_array();
    out.end_object();
    return never_kept(200, out);
}

Result<Response> find(const Api& api, const Request& request) {
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    return one_app(api, *name);
}

Result<Response> change(const Api& api, const Request& request, const storage::apps::AppChange& wanted) {
    const auto name = app_of(request);
    if (!name) return fail(name.error());
    const auto made = api.app_store.change(*name, wanted, actor_of(request));
    if (!made && made.error().code == ErrorCode::app_not_found && api.apps.now()->contains(*name))
        return fail(ErrorCode::forbidden,
                    "this app is one of the configuration: change it there, and reload the gateways");
    if (!made) return fail(made.error());
    take_over(api);
    return one_app(api, *name);
}

Result<Response> patch(const Api& api, const Request& request) {
    const auto document = json::read_object(request.body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    storage::apps::AppChange wanted;
    if (const auto state = fields.text("state")) {
        if (*state == "active")
            wanted.state = StoredApp::State::active;
        else if (*state == "disabled")
            wanted.state = StoredApp::State::disabled;
        else
            fields.refuse("state", ErrorCode::invalid_field, "'state' is active or disabled");
    }
    auto url = read_url(api, fields);
    if (!url) return fail(std::move(url.error()));
    if (*url) wanted.callback_url = std::move(*url);
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return change(api, request, wanted);
}

Result<Response> disable(const Api& api, const Request& request) {
    return change(api, request, {StoredApp::State::disabled, std::nullopt});
}

Result<Response> add_key(const Api& api, const Request& request) {
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    const auto key = access::make_api_key(*name, api.random);
    const auto made = api.app_store.add_key(*name, {access::api_key_line(key), access::api_key_hint(key)},
                                            actor_of(request));
    if (!made) return fail(made.error());
    take_over(api);
    json::Writer out;
    write_key(out, *made, &key);
    return never_kept(201, out);
}

Result<Response> revoke_key(const Api& api, const Request& request) {
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    const auto revoked =
        api.app_store.revoke_key(*name, std::string{request.parameter("id")}, actor_of(request));
    if (!revoked) return fail(revoked.error());
    take_over(api);
    json::Writer out;
    write_key(out, *revoked);
    return never_kept(200, out);
}

Result<Response> add_secret(const Api& api, const Request& request) {
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    const auto secret = new_callback_secret(api.random);
    const auto made = api.app_store.add_secret(*name, secret, actor_of(request));
    if (!made) return fail(made.error());
    take_over(api);
    json::Writer out;
    write_secret(out, *made, &secret);
    return never_kept(201, out);
}

Result<Response> revoke_secret(const Api& api, const Request& request) {
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    const auto revoked =
        api.app_store.revoke_secret(*name, std::string{request.parameter("id")}, actor_of(request));
    if (!revoked) return fail(revoked.error());
    take_over(api);
    json::Writer out;
    write_secret(out, *revoked);
    return never_kept(200, out);
}

struct AppRoute {
    http::Method method;
    const char* pattern;
    Result<Response> (*call)(const Api&, const Request&);
    enum class Body { none, json } body = Body::none;
};
using Method = http::Method;
constexpr AppRoute kRoutes[] = {
    {Method::post, "/v1/apps", create, AppRoute::Body::json},
    {Method::get, "/v1/apps", list},
    {Method::get, "/v1/apps/{app}", find},
    {Method::patch, "/v1/apps/{app}", patch, AppRoute::Body::json},
    {Method::delete_, "/v1/apps/{app}", disable},
    {Method::post, "/v1/apps/{app}/keys", add_key},
    {Method::delete_, "/v1/apps/{app}/keys/{id}", revoke_key},
    {Method::post, "/v1/apps/{app}/secrets", add_secret},
    {Method::delete_, "/v1/apps/{app}/secrets/{id}", revoke_secret},
};

}  // namespace

void add_app_routes(http::Router& router, const Api& api) {
    const auto key = access::operator_key(api.keys);
    for (const auto& route : kRoutes) {
        const bool takes_json = route.body == AppRoute::Body::json;
        router.add({route.method, route.pattern,
                    http::answer_on(api.database_pool, [&api, call = route.call](
                                                           Request& request) { return call(api, request); }),
                    takes_json ? kSmallBody : 0, takes_json ? http::json_only(key) : key, ""});
    }
}

}  // namespace photogate::gateway::routes
