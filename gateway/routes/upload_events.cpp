// GET /v1/uploads/{id}/events: the states that an upload comes to, as server-sent events.
#include "base/ascii.hpp"
#include "base/json/writer.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "gateway/routes/upload_variants.hpp"
#include "gateway/routes/waiting_client.hpp"
#include "gateway/waiting/event_stream.hpp"
#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::gateway::routes {
namespace {

namespace uploads = pipeline::uploads;

/// `{"state":"published","at":"…","upload":{…}}`
std::string step_json(const storage::records::UploadStep& step, const std::string& upload) {
    json::Writer json;
    json.begin_object();
    json.name("state");
    json.text(to_string(step.state));
    json.name("at");
    json.text(format_rfc3339(step.at));
    json.end_object();
    auto text = json.take();
    return text.insert(text.size() - 1, ",\"upload\":" + upload);
}

Result<waiting::NextEvents> next_events(const Api& api, const uploads::Caller& who, const UploadId& id,
                                        const std::string& last) {
    const auto place = ascii::parse_whole<std::int64_t>(last);
    auto found = api.service.steps(who, id, place && *place >= 0 ? *place : -1);
    if (!found) return fail(found.error());
    waiting::NextEvents next;
    next.mark = found->mark;
    next.more = found->more;
    const auto state = found->upload.state;
    // What was written behind this reading of the row leaves another mark, and is read next.
    next.over =
        is_final(state) && !found->more && (found->steps.empty() || found->steps.back().state == state);
    if (found->steps.empty()) return next;
    const auto upload = with_variants(api, std::move(found->upload));
    if (!upload) return fail(upload.error());
    const auto shown = notifier::callbacks::upload_json(*upload, api.image_base, api.audience_of(*upload));
    for (const auto& step : found->steps)
        next.events.push_back(
            {std::to_string(step.place), std::string{to_string(step.state)}, step_json(step, shown)});
    return next;
}

Result<http::Response> stream_events(const Api& api, const http::Request& request) {
    if (const auto known = check_query(request, {}); !known) return fail(known.error());
    const auto id = parse_upload_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::upload_not_found, "there is no such upload");
    return waiting::answer_with_events<waiting::UploadSubject>(
        {api.waiters, api.database_pool, *id,
         [&api, who = asking(request), id = *id](const std::string& last) {
             return next_events(api, who, id, last);
         },
         waiting::last_event_id(request)},
        waiting_client(api, request));
}

}  // namespace

void add_upload_events(http::Router& router, const Api& api) {
    const auto anyone = access::key_or_token(api.credentials());
    for (const char* pattern : {"/v1/uploads/{id}/events", "/u/{token}/v1/uploads/{id}/events"}) {
        router.add({http::Method::get, pattern,
                    http::answer_on(api.database_pool,
                                    [&api](http::Request& request) { return stream_events(api, request); }),
                    0, anyone, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
