// The outbox as its owner sees it: what waits, what was delivered, what is dead; and sending again.
#include <utility>

#include "gateway/http/json_fields.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/cursor.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;
using http::Request;
using http::Response;

constexpr std::size_t kSmallBody = 4'096;

Result<records::CallbackQuery> read_query(const Request& request) {
    if (const auto known = check_query(request, {"state", "upload", "limit", "cursor"}); !known)
        return fail(known.error());
    records::CallbackQuery query;
    query.app = scope(request);
    if (const auto text = request.query_value("state")) {
        query.state = records::parse_callback_state(*text);
        if (!query.state) return fail(ErrorCode::invalid_query, "'state' is waiting, delivered or dead");
    }
    if (const auto text = request.query_value("upload")) {
        query.upload = parse_upload_id(*text);
        if (!query.upload) return fail(ErrorCode::upload_not_found, "there is no such upload");
    }
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    query.limit = page->limit;
    if (page->before) {
        query.before = parse_callback_id(*page->before);
        if (!query.before) return not_a_cursor();
    }
    return query;
}

Result<Response> list(const Api& api, const Request& request) {
    auto query = read_query(request);
    if (!query) return fail(query.error());
    const auto wanted = query->limit++;
    auto found = api.records.callbacks(*query);
    if (!found) return fail(found.error());
    std::optional<std::string> last_id;
    if (found->size() > wanted) {
        found->resize(wanted);
        last_id = found->back().callback.id.str();
    }
    std::vector<std::string> items;
    for (const auto& details : *found)
        items.push_back(callback_details_json(details));
    return page_response(request, items, last_id);
}

Result<Response> replay_one(const Api& api, const Request& request) {
    const auto id = parse_callback_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::callback_not_found, "there is no such callback");
    if (const auto replayed = api.records.replay(scope(request), *id); !replayed)
        return fail(replayed.error());
    return Response::json(202, replayed_json(1));
}

Result<Response> replay_many(const Api& api, const Request& request) {
    const auto document = http::read_json_object(request.body);
    if (!document) return fail(document.error());
    http::JsonFields fields(*document);
    const auto since_text = fields.text("since", {.presence = http::Presence::required});
    const auto state_text = fields.text("state");
    const auto since = since_text ? parse_rfc3339(*since_text) : std::nullopt;
    if (since_text && !since)
        fields.refuse("since", ErrorCode::invalid_field, "'since' is a time as 2026-11-20T12:34:56Z");
    const auto state = records::parse_callback_state(state_text.value_or("dead"));
    if (!state) fields.refuse("state", ErrorCode::invalid_field, "'state' is waiting, delivered or dead");
    if (const auto sane = fields.finish(); !sane) return fail(sane.error());
    const auto count = api.records.replay_since(scope(request), *since, *state);
    if (!count) return fail(count.error());
    return Response::json(202, replayed_json(*count));
}

}  // namespace

void add_callback_routes(http::Router& router, const Api& api) {
    const auto key = any_key(api.config.keys);
    const auto on_pool = [&](Result<Response> (*call)(const Api&, const Request&)) {
        return http::answer_on(api.database_pool,
                               [&api, call](Request& request) { return call(api, request); });
    };
    router.add({http::Method::get, "/v1/callbacks", on_pool(list), 0, key, ""}, api.cors);
    router.add({http::Method::post, "/v1/callbacks/{id}/replay", on_pool(replay_one), kSmallBody, key, ""},
               api.cors);
    router.add({http::Method::post, "/v1/callbacks/replay", on_pool(replay_many), kSmallBody, key, ""},
               api.cors);
}

void add_operator_callback_routes(http::Router& router, const Api& api) {
    const auto key = operator_key(api.config.keys);
    const auto on_pool = [&](Result<Response> (*call)(const Api&, const Request&)) {
        return http::answer_on(api.database_pool,
                               [&api, call](Request& request) { return call(api, request); });
    };
    router.add({http::Method::get, "/v1/callbacks", on_pool(list), 0, key, ""});
    router.add({http::Method::post, "/v1/callbacks/{id}/replay", on_pool(replay_one), kSmallBody, key, ""});
    router.add({http::Method::post, "/v1/callbacks/replay", on_pool(replay_many), kSmallBody, key, ""});
}

}  // namespace photogate::gateway::routes
