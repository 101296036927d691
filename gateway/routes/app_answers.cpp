#include "gateway/routes/app_answers.hpp"

#include <utility>
#include <variant>

#include "base/log.hpp"
#include "gateway/routes/caller.hpp"

namespace photogate::gateway::routes {
namespace {

tl::unexpected<Error> no_such_app() {
    return fail(ErrorCode::app_not_found, "there is no app of this name");
}

}  // namespace

void write(json::Writer& out, json::Name name, const std::optional<std::string>& text) {
    out.name(name);
    text ? out.text(*text) : out.null();
}

void write_time(json::Writer& out, json::Name name, const std::optional<Timestamp>& at) {
    write(out, name, at ? std::make_optional(format_rfc3339(*at)) : std::nullopt);
}

void write_key(json::Writer& out, const storage::apps::StoredKey& key, const Secret* shown) {
    out.begin_object();
    write(out, "id", key.id);
    if (shown != nullptr) write(out, "key", std::string{shown->reveal()});
    write(out, "hint", key.hint);
    write(out, "created_by", key.created_by);
    write_time(out, "created_at", key.created_at);
    write_time(out, "revoked_at", key.revoked_at);
    out.end_object();
}

void write_secret(json::Writer& out, const storage::apps::StoredSecret& secret, const Secret* shown) {
    out.begin_object();
    write(out, "id", secret.id);
    if (shown != nullptr) write(out, "secret", std::string{shown->reveal()});
    write(out, "created_by", secret.created_by);
    write_time(out, "created_at", secret.created_at);
    write_time(out, "revoked_at", secret.revoked_at);
    out.end_object();
}

void write_app(json::Writer& out, const ShownApp& app) {
    write(out, "name", app.name.str());
    write(out, "source", std::string{app.made != nullptr ? "api" : "configuration"});
    write(out, "state",
          std::string{app.made != nullptr ? storage::apps::to_string(app.made->state) : "active"});
    write(out, "profiles_of",
          app.made != nullptr ? std::make_optional(app.made->profiles_of.str()) : std::nullopt);
    out.name("profiles");
    out.begin_array();
    if (app.in_force != nullptr) {
        for (const auto& [name, profile] : app.in_force->profiles) {
            if (profile.state == model::Profile::State::active) out.text(name.str());
        }
    }
    out.end_array();
    const auto url = app.made != nullptr       ? app.made->callback_url
                     : app.in_force != nullptr ? app.in_force->callback_url
                                               : std::nullopt;
    write(out, "callback_url", url);
    write_time(out, "created_at",
               app.made != nullptr ? std::make_optional(app.made->created_at) : std::nullopt);
}

storage::apps::Actor actor_of(const http::Request& request) {
    const auto& who = std::get<access::Operator>(caller(request).who);
    return {"operator:" + who.name.str(), request.request_id};
}

/// The change is committed; where it can't be read, the watcher does soon.
void take_over(const Api& api) {
    if (const auto read = api.apps_changed(); !read)
        log::warn("apps.not_read", {{"error", read.error().detail}});
}

http::Response never_kept(int status, json::Writer& out) {
    auto response = http::Response::json(status, out.take());
    response.set("Cache-Control", "no-store");
    return response;
}

Result<AppName> app_of(const http::Request& request) {
    auto name = parse_app_name(request.parameter("app"));
    if (!name) return no_such_app();
    return std::move(*name);
}

Result<AppName> known_app(const Api& api, const http::Request& request) {
    auto name = app_of(request);
    if (!name) return name;
    if (api.apps.now()->contains(*name)) return name;
    const auto made = api.app_store.find(*name);
    if (!made && made.error().code == ErrorCode::app_not_found) return no_such_app();
    if (!made) return fail(made.error());
    return name;
}

}  // namespace photogate::gateway::routes
