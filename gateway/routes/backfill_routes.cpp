// POST /v1/variants: the variants of a profile's published uploads that lack them, made in the background.
// GET and DELETE /v1/variants/{id}: how far that is, and its end.
#include <algorithm>
#include <utility>

#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "delivery/variants.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;
using storage::variants::Backfill;
using storage::variants::BackfillId;
using storage::variants::BackfillState;
using storage::variants::VariantBackfills;

constexpr std::size_t kSmallBody = 4'096;

/// When it ends if it goes on as it did; nullopt: not known yet, or it has ended.
std::optional<Timestamp> expected_end(const Backfill& backfill, Timestamp now) {
    if (backfill.state != BackfillState::running || !backfill.is_counted) return std::nullopt;
    const auto done = backfill.looked_at - std::min(backfill.looked_at, backfill.waiting);
    if (done == 0) return std::nullopt;
    const auto left = backfill.total - std::min(backfill.total, done);
    const auto elapsed = std::chrono::duration<double>(now - backfill.started_at);
    const auto rest = elapsed * (static_cast<double>(left) / static_cast<double>(done));
    return now + std::chrono::duration_cast<Timestamp::duration>(rest);
}

void write(json::Writer& out, json::Name name, const std::optional<std::string>& text) {
    out.name(name);
    text ? out.text(*text) : out.null();
}

void write(json::Writer& out, json::Name name, const std::optional<Timestamp>& at) {
    write(out, name, at ? std::make_optional(format_rfc3339(*at)) : std::nullopt);
}

Response backfill_response(int status, const Backfill& backfill, Timestamp now) {
    json::Writer out;
    out.begin_object();
    const auto& order = backfill.order;
    write(out, "id", std::optional{backfill.id.str()});
    write(out, "state", std::optional{std::string{to_string(backfill.state)}});
    write(out, "profile", std::optional{order.profile.str()});
    write(out, "variant", order.variant);
    write(out, "created_after", order.created_after);
    write(out, "created_before", order.created_before);
    out.name("total");
    backfill.is_counted ? out.number(backfill.total) : out.null();
    const std::pair<const char*, std::uint64_t> counts[] = {{"looked_at", backfill.looked_at},
                                                            {"found", backfill.found},
                                                            {"made", backfill.made},
                                                            {"failed", backfill.failed},
                                                            {"waiting", backfill.waiting}};
    for (const auto& [name, count] : counts) {
        out.any_name(name);
        out.number(count);
    }
    write(out, "started_at", std::optional{backfill.started_at});
    write(out, "finished_at", backfill.finished_at);
    write(out, "expected_at", expected_end(backfill, now));
    out.end_object();
    auto response = Response::json(status, out.take());
    response.set("Cache-Control", "no-store");
    return response;
}

struct BackfillRequest {
    std::optional<std::string> profile;
    std::optional<std::string> variant;
    std::optional<Timestamp> created_after;
    std::optional<Timestamp> created_before;
};

std::optional<Timestamp> read_time(json::Fields& fields, std::string_view name) {
    const auto text = fields.text(name);
    if (!text) return std::nullopt;
    const auto at = parse_rfc3339(*text);
    if (!at)
        fields.refuse(name, ErrorCode::invalid_field,
                      "'" + std::string{name} + "' is a time as 2026-11-20T12:34:56Z");
    return at;
}

Result<BackfillRequest> read_backfill_request(std::string_view body) {
    const auto document = json::read_object(body);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    BackfillRequest wanted;
    wanted.profile = fields.text("profile", {.longest = 64, .code = ErrorCode::unknown_profile});
    wanted.variant = fields.text("variant", {.longest = 64});
    wanted.created_after = read_time(fields, "created_after");
    wanted.created_before = read_time(fields, "created_before");
    if (wanted.created_after && wanted.created_before && *wanted.created_after >= *wanted.created_before)
        fields.refuse("created_before", ErrorCode::invalid_field,
                      "'created_before' is later than 'created_after'");
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    return wanted;
}

Result<Response> begin(const Api& api, const Request& request) {
    const auto app = api.catalog.app(*caller(request).app());
    if (!app) return fail(app.error());
    auto wanted = read_backfill_request(request.body);
    if (!wanted) return fail(std::move(wanted.error()));
    const auto profile = (*app)->profile(wanted->profile);
    if (!profile) return fail(profile.error());
    auto recipe = delivery::recipe_of((*profile)->delivery, wanted->variant);
    if (!recipe)
        return fail(ErrorCode::variant_not_found, wanted->variant ? "the profile has no variant of this name"
                                                                  : "the profile has no variants");
    const auto begun =
        api.backfills.begin({(*app)->name, (*profile)->name, wanted->variant, std::move(*recipe),
                             wanted->created_after, wanted->created_before});
    if (!begun) return fail(begun.error());
    const bool is_new = begun->how == VariantBackfills::Begun::How::begun;
    auto response = backfill_response(is_new ? 202 : 200, begun->backfill, api.clock.now());
    response.set("Location", "/v1/variants/" + begun->backfill.id.str());
    return response;
}

template <class Call>
auto with_backfill(const Api& api, Call call) {
    return [&api, call](Request& request) -> Result<Response> {
        const auto id = storage::variants::parse_backfill_id(request.parameter("id"));
        if (!id) return fail(ErrorCode::not_found, "no backfill has this id");
        const auto backfill = call(api.backfills, *caller(request).app(), *id);
        if (!backfill) return fail(backfill.error());
        return backfill_response(200, *backfill, api.clock.now());
    };
}

}  // namespace

void add_backfill_routes(http::Router& router, const Api& api) {
    const auto key = access::app_key(api.keys);
    auto& pool = api.database_pool;
    router.add({http::Method::post, "/v1/variants",
                http::answer_on(pool, [&api](Request& request) { return begin(api, request); }), kSmallBody,
                http::json_only(key), ""},
               api.cors);
    const auto find = [](VariantBackfills& backfills, const AppName& app, const BackfillId& id) {
        return backfills.find(app, id);
    };
    const auto cancel = [](VariantBackfills& backfills, const AppName& app, const BackfillId& id) {
        return backfills.cancel(app, id);
    };
    router.add(
        {http::Method::get, "/v1/variants/{id}", http::answer_on(pool, with_backfill(api, find)), 0, key, ""},
        api.cors);
    router.add({http::Method::delete_, "/v1/variants/{id}", http::answer_on(pool, with_backfill(api, cancel)),
                0, key, ""},
               api.cors);
}

}  // namespace photogate::gateway::routes
