// What operators read of apps: usage by day, and the log of changes.
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "base/json/writer.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/app_answers.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/cursor.hpp"
#include "gateway/routes/upload_request.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

constexpr std::chrono::hours kLongestUsage{24 * 92};

Result<Timestamp> read_day(const Request& request, std::string_view name, Timestamp otherwise) {
    const auto text = request.query_value(name);
    if (!text) return otherwise;
    const auto at = parse_rfc3339(std::string{*text} + "T00:00:00Z");
    if (!at) return fail(ErrorCode::invalid_query, "'" + std::string{name} + "' is a day as 2026-11-30");
    return *at;
}

Result<Response> usage(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"from", "until"}); !known) return fail(known.error());
    const auto name = known_app(api, request);
    if (!name) return fail(name.error());
    const std::chrono::hours day{24};
    const auto today = Timestamp{std::chrono::duration_cast<Timestamp::duration>(
        std::chrono::floor<std::chrono::days>(api.clock.now()).time_since_epoch())};
    const auto until = read_day(request, "until", today + day);
    if (!until) return fail(until.error());
    const auto from = read_day(request, "from", *until - 30 * day);
    if (!from) return fail(from.error());
    if (*from >= *until || *until - *from > kLongestUsage)
        return fail(ErrorCode::invalid_query, "'from' is before 'until', by 92 days at most");
    const auto days = api.app_store.usage(*name, *from, *until);
    if (!days) return fail(days.error());
    json::Writer out;
    out.begin_object();
    write(out, "app", name->str());
    out.name("days");
    out.begin_array();
    for (const auto& each : *days) {
        out.begin_object();
        write(out, "day", each.day);
        out.name("uploads");
        out.number(each.uploads);
        out.name("published");
        out.number(each.published);
        out.name("bytes");
        out.number(each.bytes);
        out.name("versions");
        out.number(each.versions);
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return never_kept(200, out);
}

Result<Response> audit(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"app", "limit", "cursor"}); !known)
        return fail(known.error());
    const auto app = listed_app(request);
    if (!app) return fail(app.error());
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    std::optional<std::int64_t> before;
    if (page->before) {
        before = ascii::parse_whole<std::int64_t>(*page->before);
        if (!before) return not_a_cursor();
    }
    auto entries = api.app_store.audit(*app, before, page->limit + 1);
    if (!entries) return fail(entries.error());
    const auto last =
        cut_to_page(*entries, page->limit, [](const auto& entry) { return std::to_string(entry.id); });
    std::vector<std::string> items;
    for (const auto& entry : *entries) {
        json::Writer out;
        out.begin_object();
        write_time(out, "at", entry.at);
        write(out, "actor", entry.actor);
        write(out, "action", entry.action);
        write(out, "app", entry.app.str());
        write(out, "subject", entry.subject);
        out.name("detail");
        out.raw(entry.detail_json);
        write(out, "request_id", entry.request_id);
        out.end_object();
        items.push_back(out.take());
    }
    return page_response(request, items, last);
}

}  // namespace

void add_app_reports(http::Router& router, const Api& api) {
    const auto key = access::operator_key(api.keys);
    const auto on_database = [&api](Result<Response> (*call)(const Api&, const Request&)) {
        return http::answer_on(api.database_pool,
                               [&api, call](Request& request) { return call(api, request); });
    };
    router.add({http::Method::get, "/v1/apps/{app}/usage", on_database(usage), 0, key, ""});
    router.add({http::Method::get, "/v1/audit", on_database(audit), 0, key, ""});
}

}  // namespace photogate::gateway::routes
