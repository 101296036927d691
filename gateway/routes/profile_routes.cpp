// GET /v1/profile: what a client may send, so that it can check a file first.
#include "base/json/writer.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/upload_request.hpp"
#include "pipeline/profile_limits.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

void write_texts(json::Writer& out, json::Name name, const std::vector<std::string>& texts) {
    out.name(name);
    out.begin_array();
    for (const auto& text : texts)
        out.text(text);
    out.end_array();
}

std::string limits_json(const pipeline::ProfileLimits& limits) {
    json::Writer out;
    out.begin_object();
    out.name("profile");
    out.text(limits.profile.str());
    out.name("max_size");
    out.number(limits.max_size);
    write_texts(out, "content_types", limits.content_types);
    write_texts(out, "methods", limits.methods);
    out.name("max_pixels");
    out.number(limits.max_pixels);
    out.name("max_side");
    out.number(std::uint64_t{limits.max_side});
    out.name("max_frames");
    out.number(std::uint64_t{limits.max_frames});
    out.name("max_total_pixels");
    out.number(limits.max_total_pixels);
    out.name("default_expires_in");
    out.number(static_cast<std::uint64_t>(limits.default_expiry.count()));
    out.name("max_expires_in");
    out.number(static_cast<std::uint64_t>(limits.longest_expiry.count()));
    out.name("version_sizes");
    out.begin_array();
    for (const auto size : limits.version_sizes)
        out.number(std::uint64_t{size});
    out.end_array();
    write_texts(out, "version_formats", limits.version_formats);
    out.name("private");
    out.raw(limits.is_private ? "true" : "false");
    out.end_object();
    return out.take();
}

/// A token has one profile; an app names one of its own, or has only one.
Result<Response> profile_of(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"profile"}); !known) return fail(known.error());
    const auto& who = caller(request);
    if (!who.app()) return fail(ErrorCode::forbidden, "this key's app has no profiles");
    const auto app = api.catalog.app(*who.app());
    if (!app) return fail(app.error());
    std::optional<std::string> wanted;
    if (const auto text = request.query_value("profile")) wanted = std::string{*text};
    if (const auto* token = who.token()) {
        if (wanted && *wanted != token->profile.str())
            return fail(ErrorCode::unknown_profile, "the client token is of another profile");
        wanted = token->profile.str();
    }
    const auto profile = (*app)->profile(wanted);
    if (!profile) return fail(profile.error());
    return Response::json(200, limits_json(pipeline::limits_of(**profile)));
}

}  // namespace

void add_profile_routes(http::Router& router, const Api& api) {
    const auto who = access::key_or_token(api.credentials());
    for (const char* pattern : {"/v1/profile", "/u/{token}/v1/profile"}) {
        router.add(
            {http::Method::get, pattern,
             http::answer_with([&api](Request& request) { return profile_of(api, request); }), 0, who, ""},
            api.cors);
    }
}

}  // namespace photogate::gateway::routes
