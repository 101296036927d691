// Profiles of an app, for an operator: /v1/apps/{app}/profiles and what is below it.
//
// A profile is made and replaced as a whole. Its ETag is its version: with `If-Match` a change is for that version alone, and
// with `If-None-Match: *` for a name that is free; without either the later of two changes wins. The configuration's profiles
// are listed, and can't be changed here.
#include <utility>

#include "base/ascii.hpp"
#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "base/text.hpp"
#include "gateway/config/profile_settings.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/app_answers.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/upload_request.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;
using storage::apps::Expected;
using storage::apps::StoredProfile;

tl::unexpected<Error> no_such_profile() {
    return fail(ErrorCode::profile_not_found, "the app has no profile of this name");
}

tl::unexpected<Error> configured_profile() {
    return fail(ErrorCode::forbidden,
                "this profile is one of the configuration: change it there, and reload the gateways");
}

/// The `{name}` of the path, which may be of a profile.
Result<ProfileName> profile_of_path(const Request& request) {
    const auto name = parse_app_name(request.parameter("name"));
    if (!name) return no_such_profile();
    return ProfileName::trusted(name->str());
}

/// The profile in force; null where there is none.
const model::Profile* in_force(const model::Apps& apps, const AppName& app, const ProfileName& name) {
    const auto owner = apps.find(app);
    if (owner == apps.end()) return nullptr;
    const auto profile = owner->second.profiles.find(name);
    return profile == owner->second.profiles.end() ? nullptr : &profile->second;
}

bool is_configured(const model::Profile* profile) {
    return profile != nullptr && profile->version == 0;
}

/// What `If-Match` and `If-None-Match` say. A tag that no profile can have matches none.
Result<Expected> expected_by(const Request& request) {
    const auto none = request.headers.find("If-None-Match");
    if (none && *none != "*")
        return fail(ErrorCode::bad_header, "If-None-Match is * here: the name has to be free");
    const auto tags = request.headers.all("If-Match");
    if (!tags.empty() && none)
        return fail(ErrorCode::bad_header, "If-Match and If-None-Match can't both hold");
    if (none) return Expected{Expected::What::absent};
    if (tags.empty()) return Expected{};
    Expected expected{Expected::What::one_of};
    for (auto list : tags) {
        if (list == "*") return Expected{Expected::What::present};
        while (!list.empty()) {
            const auto comma = list.find(',');
            const auto tag = trim(list.substr(0, comma));
            if (tag.size() > 2 && tag.starts_with('"') && tag.ends_with('"')) {
                const auto version = ascii::parse_whole<std::int64_t>(tag.substr(1, tag.size() - 2));
                if (version) expected.versions.push_back(*version);
            }
            list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        }
    }
    return expected;
}

/// In a word: whether, and how, it is in force.
std::string state_of(const StoredProfile& stored, const model::Profile* profile) {
    if (stored.state == StoredProfile::State::retired) return "retired";
    if (is_configured(profile)) return "overridden";
    if (profile != nullptr && profile->state == model::Profile::State::unreadable) return "unreadable";
    return "active";
}

void write_profile(json::Writer& out, const StoredProfile& stored, const model::Profile* profile) {
    out.begin_object();
    write(out, "app", stored.app.str());
    write(out, "name", stored.name.str());
    write(out, "source", std::string{"api"});
    write(out, "state", state_of(stored, profile));
    out.name("version");
    out.number(static_cast<std::uint64_t>(stored.version));
    out.name("settings");
    out.raw(stored.settings_json);
    write(out, "created_by", stored.created_by);
    write_time(out, "created_at", stored.created_at);
    write(out, "changed_by", stored.changed_by);
    write_time(out, "changed_at", stored.changed_at);
    out.end_object();
}

void write_configured(json::Writer& out, const AppName& app, const ProfileName& name) {
    out.begin_object();
    write(out, "app", app.str());
    write(out, "name", name.str());
    write(out, "source", std::string{"configuration"});
    write(out, "state", std::string{"active"});
    for (const json::Name none :
         {json::Name{"version"}, json::Name{"settings"}, json::Name{"created_by"}, json::Name{"created_at"},
          json::Name{"changed_by"}, json::Name{"changed_at"}}) {
        out.name(none);
        out.null();
    }
    out.end_object();
}

Response profile_response(const Api& api, const StoredProfile& stored, int status) {
    const auto apps = api.apps.now();
    json::Writer out;
    write_profile(out, stored, in_force(*apps, stored.app, stored.name));
    auto response = never_kept(status, out);
    response.set("ETag", '"' + std::to_string(stored.version) + '"');
    return response;
}

Result<Response> list_profiles(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {}); !known) return fail(known.error());
    const auto app = known_app(api, request);
    if (!app) return fail(app.error());
    const auto stored = api.app_store.profiles(*app);
    if (!stored) return fail(stored.error());
    const auto apps = api.apps.now();
    json::Writer out;
    out.begin_object();
    out.name("data");
    out.begin_array();
    if (const auto owner = apps->find(*app); owner != apps->end()) {
        for (const auto& [name, profile] : owner->second.profiles) {
            if (is_configured(&profile)) write_configured(out, *app, name);
        }
    }
    for (const auto& each : *stored)
        write_profile(out, each, in_force(*apps, *app, each.name));
    out.end_array();
    out.end_object();
    return never_kept(200, out);
}

Result<Response> find_profile(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {}); !known) return fail(known.error());
    const auto app = known_app(api, request);
    if (!app) return fail(app.error());
    const auto name = profile_of_path(request);
    if (!name) return fail(name.error());
    const auto apps = api.apps.now();
    if (is_configured(in_force(*apps, *app, *name))) {
        json::Writer out;
        write_configured(out, *app, *name);
        return never_kept(200, out);
    }
    const auto stored = api.app_store.profile(*app, *name);
    if (!stored) return fail(stored.error());
    return profile_response(api, *stored, 200);
}

Result<Response> put_profile(const Api& api, const Request& request) {
    const auto app = known_app(api, request);
    if (!app) return fail(app.error());
    const auto text = request.parameter("name");
    const auto word = parse_app_name(text);
    if (!word) return fail(ErrorCode::invalid_field, "the profile's name: " + word.error().detail);
    const auto name = ProfileName::trusted(word->str());
    const auto expected = expected_by(request);
    if (!expected) return fail(expected.error());
    const auto settings = json::read_object(request.body, config::kProfileBounds);
    if (!settings) return fail(settings.error());
    const auto profile = config::read_profile(*app, name, *settings);
    if (!profile) return fail(profile.error());
    const auto apps = api.apps.now();
    if (is_configured(in_force(*apps, *app, name))) return configured_profile();
    if (const auto fits = config::check_place(*profile, api.config, *apps); !fits) return fail(fits.error());
    const auto former = api.app_store.profile(*app, name);
    if (former && former->state == StoredProfile::State::retired) {
        const auto succeeds = config::check_successor(*app, *profile, former->settings_json);
        if (!succeeds) return fail(succeeds.error());
    }
    const auto put =
        api.app_store.put_profile(*app, name, json::canonical(*settings), *expected, actor_of(request));
    if (!put) return fail(put.error());
    take_over(api);
    const bool is_new = put->put == storage::apps::AppStore::Put::created;
    auto response = profile_response(api, put->profile, is_new ? 201 : 200);
    if (is_new) response.set("Location", "/v1/apps/" + app->str() + "/profiles/" + name.str());
    return response;
}

Result<Response> delete_profile(const Api& api, const Request& request) {
    const auto app = known_app(api, request);
    if (!app) return fail(app.error());
    const auto name = profile_of_path(request);
    if (!name) return fail(name.error());
    const auto expected = expected_by(request);
    if (!expected) return fail(expected.error());
    const auto retired = api.app_store.retire_profile(*app, *name, *expected, actor_of(request));
    const auto apps = api.apps.now();
    if (!retired && retired.error().code == ErrorCode::profile_not_found &&
        is_configured(in_force(*apps, *app, *name)))
        return configured_profile();
    if (!retired) return fail(retired.error());
    take_over(api);
    return profile_response(api, *retired, 200);
}

}  // namespace

void add_app_profile_routes(http::Router& router, const Api& api) {
    const auto key = access::operator_key(api.keys);
    const auto on_database = [&api](Result<Response> (*call)(const Api&, const Request&)) {
        return http::answer_on(api.database_pool,
                               [&api, call](Request& request) { return call(api, request); });
    };
    constexpr const char* kAll = "/v1/apps/{app}/profiles";
    constexpr const char* kOne = "/v1/apps/{app}/profiles/{name}";
    router.add({http::Method::get, kAll, on_database(list_profiles), 0, key, ""});
    router.add({http::Method::get, kOne, on_database(find_profile), 0, key, ""});
    router.add({http::Method::put, kOne, on_database(put_profile), config::kProfileBounds.bytes,
                http::json_only(key), ""});
    router.add({http::Method::delete_, kOne, on_database(delete_profile), 0, key, ""});
}

}  // namespace photogate::gateway::routes
