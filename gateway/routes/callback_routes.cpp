// The outbox as its owner sees it: what waits, what was delivered, what is dead; sending again; and the URLs
// that something is wrong with.
#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/json/fields.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/cursor.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "model/enum_words.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;
using http::Request;
using http::Response;

constexpr std::size_t kSmallBody = 4'096;

Result<records::CallbackQuery> read_query(const Request& request) {
    if (const auto known = check_query(request, {"state", "upload", "package", "app", "limit", "cursor"});
        !known)
        return fail(known.error());
    records::CallbackQuery query;
    auto app = listed_app(request);
    if (!app) return fail(std::move(app.error()));
    query.app = std::move(*app);
    if (const auto text = request.query_value("state")) {
        query.state = model::parse_word<model::CallbackState>(*text);
        if (!query.state)
            return fail(ErrorCode::invalid_query, "'state' is waiting, delivered, dead or unsent");
    }
    if (const auto text = request.query_value("upload")) {
        query.upload = parse_upload_id(*text);
        if (!query.upload) return fail(ErrorCode::upload_not_found, "there is no such upload");
    }
    if (const auto text = request.query_value("package")) {
        query.package = parse_package_id(*text);
        if (!query.package) return fail(ErrorCode::package_not_found, "there is no such package");
        if (query.upload) return fail(ErrorCode::invalid_query, "'upload' and 'package' exclude each other");
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
    auto found = api.outbox.list(*query);
    if (!found) return fail(found.error());
    const auto last_id =
        cut_to_page(*found, wanted, [](const auto& details) { return details.callback.id.str(); });
    std::vector<std::string> items;
    for (const auto& details : *found)
        items.push_back(callback_details_json(details));
    return page_response(request, items, last_id);
}

Result<Response> replay_one(const Api& api, const Request& request) {
    const auto id = parse_callback_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::callback_not_found, "there is no such callback");
    if (const auto replayed = api.outbox.replay(scope(request), *id); !replayed)
        return fail(replayed.error());
    return Response::json(202, replayed_json(1));
}

Result<Response> one(const Api& api, const Request& request) {
    const auto id = parse_callback_id(request.parameter("id"));
    if (!id) return fail(ErrorCode::callback_not_found, "there is no such callback");
    const auto found = api.outbox.find(scope(request), *id);
    if (!found) return fail(found.error());
    return Response::json(200, callback_details_json(*found));
}

/// As it may stand in a database, whether or not it is a URL that could be called.
std::optional<std::string> read_url(json::Fields& fields, json::Presence presence) {
    auto url = fields.text("url", {.presence = presence, .longest = 2'048});
    if (url && url->find('\0') != std::string::npos) {
        fields.refuse("url", ErrorCode::invalid_field, "'url' is not a URL");
        return std::nullopt;
    }
    return url;
}

std::optional<Timestamp> read_time(json::Fields& fields, std::string_view name, json::Presence presence) {
    const auto text = fields.text(name, {.presence = presence});
    if (!text) return std::nullopt;
    const auto at = parse_rfc3339(*text);
    if (!at) {
        fields.refuse(name, ErrorCode::invalid_field,
                      "'" + std::string{name} + "' is a time as 2026-11-20T12:34:56Z");
    }
    return at;
}

Result<records::ReplayRange> read_range(const Request& request) {
    const auto document = json::read_object(request.body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    records::ReplayRange range;
    range.since = read_time(fields, "since", json::Presence::required).value_or(Timestamp{});
    range.until = read_time(fields, "until", json::Presence::optional);
    const auto state = model::parse_word<model::CallbackState>(fields.text("state").value_or("dead"));
    if (!state || *state == model::CallbackState::unsent)
        fields.refuse("state", ErrorCode::invalid_field, "'state' is waiting, delivered or dead");
    range.state = state.value_or(model::CallbackState::dead);
    if (const auto type = fields.text("type")) {
        range.type = model::parse_word<model::CallbackType>(*type);
        if (!range.type)
            fields.refuse("type", ErrorCode::invalid_field, "'type' is a callback's, as upload.published");
    }
    range.url = read_url(fields, json::Presence::optional);
    range.most =
        static_cast<std::size_t>(fields.integer("limit", {.least = 1, .most = 10'000}).value_or(10'000));
    if (const auto cursor = fields.text("cursor")) {
        const auto content = read_cursor(*cursor);
        range.after = content ? parse_callback_id(*content) : std::nullopt;
        if (!range.after)
            fields.refuse("cursor", ErrorCode::invalid_cursor, "use 'next' of the replay before, as it is");
    }
    const auto named = fields.text("app");
    if (const auto sane = fields.finish(); !sane) return fail(sane.error());
    auto app = named_app(request, named, ErrorCode::invalid_field);
    if (!app) return fail(app.error());
    range.app = std::move(*app);
    return range;
}

Result<Response> replay_many(const Api& api, const Request& request) {
    const auto range = read_range(request);
    if (!range) return fail(range.error());
    const auto replayed = api.outbox.replay(*range);
    if (!replayed) return fail(replayed.error());
    return Response::json(
        202, replayed_json(replayed->count, replayed->next ? std::optional{make_cursor(replayed->next->str())}
                                                           : std::nullopt));
}

records::EndpointQuery endpoints_of(const Api& api, std::optional<AppName> app) {
    records::EndpointQuery query;
    query.app = std::move(app);
    if (query.app) {
        const auto apps = api.apps.now();
        const auto configured = apps->find(*query.app);
        if (configured != apps->end()) query.own_url = configured->second.callback_url.value_or("");
    }
    return query;
}

/// `<app> <url>`, as list_endpoints() writes it.
std::optional<model::EndpointKey> parse_endpoint_cursor(const std::string& text) {
    const auto space = text.find(' ');
    if (space == std::string::npos || text.find('\0') != std::string::npos || !is_utf8(text))
        return std::nullopt;
    return model::EndpointKey{AppName::trusted(text.substr(0, space)), text.substr(space + 1)};
}

Result<Response> list_endpoints(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"limit", "cursor"}); !known) return fail(known.error());
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    auto query = endpoints_of(api, scope(request));
    query.limit = page->limit + 1;
    if (page->before) {
        query.after = parse_endpoint_cursor(*page->before);
        if (!query.after) return not_a_cursor();
    }
    auto found = api.outbox.endpoints(query);
    if (!found) return fail(found.error());
    const auto last = cut_to_page(*found, page->limit, [](const auto& endpoint) {
        return endpoint.key.app.str() + " " + endpoint.key.url;
    });
    std::vector<std::string> items;
    for (const auto& endpoint : *found)
        items.push_back(endpoint_json(endpoint));
    return page_response(request, items, last);
}

/// A URL, and whose endpoint is meant by it.
struct MeantEndpoint {
    records::EndpointQuery whose;
    std::string url;
};

Result<MeantEndpoint> read_endpoint(const Api& api, const Request& request) {
    const auto document = json::read_object(request.body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    auto url = read_url(fields, json::Presence::required);
    const auto named = fields.text("app");
    if (const auto sane = fields.finish(); !sane) return fail(sane.error());
    auto app = named_app(request, named, ErrorCode::invalid_field);
    if (!app) return fail(app.error());
    return MeantEndpoint{endpoints_of(api, std::move(*app)), std::move(*url)};
}

Result<Response> pause_endpoint(const Api& api, const Request& request) {
    const auto meant = read_endpoint(api, request);
    if (!meant) return fail(meant.error());
    if (const auto paused = api.outbox.pause_endpoint(meant->whose, meant->url); !paused)
        return fail(paused.error());
    return Response::empty(204);
}

Result<Response> resume_endpoint(const Api& api, const Request& request) {
    const auto meant = read_endpoint(api, request);
    if (!meant) return fail(meant.error());
    const auto resumed = api.outbox.resume_endpoint(meant->whose, meant->url);
    if (!resumed) return fail(resumed.error());
    return Response::json(202, resumed_json(*resumed));
}

/// `<place> <id>`, as feed_cursor() writes it.
std::optional<records::FeedCursor> parse_feed_cursor(std::string_view text) {
    const auto content = read_cursor(text);
    if (!content) return std::nullopt;
    const auto space = content->find(' ');
    if (space == std::string::npos) return std::nullopt;
    const auto place = ascii::parse_whole<std::int64_t>(std::string_view{*content}.substr(0, space));
    auto id = content->substr(space + 1);
    if (!place || *place < 0 || (!id.empty() && !parse_callback_id(id))) return std::nullopt;
    return records::FeedCursor{*place, std::move(id)};
}

std::string feed_cursor(const records::FeedCursor& cursor) {
    return make_cursor(std::to_string(cursor.place) + " " + cursor.id);
}

Result<Response> feed(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"after", "limit", "app"}); !known)
        return fail(known.error());
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    const auto app = listed_app(request);
    if (!app) return fail(app.error());
    if (!*app) return fail(ErrorCode::invalid_query, "an operator names the app: ?app=");
    std::optional<records::FeedCursor> after;
    if (const auto text = request.query_value("after")) {
        after = parse_feed_cursor(*text);
        if (!after) return not_a_cursor();
    }
    const auto found = api.outbox.feed(**app, after, page->limit);
    if (!found) return fail(found.error());
    return Response::json(200, feed_json(*found, feed_cursor(found->next)));
}

struct CallbackRoute {
    http::Method method;
    const char* pattern;
    Result<Response> (*call)(const Api&, const Request&);
};
constexpr CallbackRoute kRoutes[] = {
    {http::Method::get, "/v1/callbacks", list},
    {http::Method::get, "/v1/callbacks/{id}", one},
    {http::Method::post, "/v1/callbacks/{id}/replay", replay_one},
    {http::Method::post, "/v1/callbacks/replay", replay_many},
    {http::Method::get, "/v1/endpoints", list_endpoints},
    {http::Method::post, "/v1/endpoints/pause", pause_endpoint},
    {http::Method::post, "/v1/endpoints/resume", resume_endpoint},
    {http::Method::get, "/v1/events", feed},
};

void add_all(http::Router& router, const Api& api, const http::HeadCheck& check,
             const std::shared_ptr<const http::CorsRule>& cors) {
    for (const auto& route : kRoutes) {
        auto handler = http::answer_on(
            api.database_pool, [&api, call = route.call](Request& request) { return call(api, request); });
        router.add({route.method, route.pattern, std::move(handler),
                    route.method == http::Method::post ? kSmallBody : 0, check, ""},
                   cors);
    }
}

}  // namespace

void add_callback_routes(http::Router& router, const Api& api) {
    add_all(router, api, access::any_key(api.keys), api.cors);
}

void add_operator_callback_routes(http::Router& router, const Api& api) {
    add_all(router, api, access::operator_key(api.keys), nullptr);
}

}  // namespace photogate::gateway::routes
