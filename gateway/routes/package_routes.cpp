#include "gateway/routes/package_routes.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "gateway/access/package_links.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/cursor.hpp"
#include "gateway/routes/package_request.hpp"
#include "gateway/routes/request_fields.hpp"
#include "gateway/routes/store_link.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/waiting_client.hpp"
#include "gateway/waiting/event_stream.hpp"
#include "notifier/callbacks/package_wire.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;
using http::Request;
using http::Response;
using notifier::callbacks::package_json;
using notifier::callbacks::ShownPackage;

constexpr std::size_t kSmallBody = 4'096;
/// Missing items that an answer names.
constexpr std::size_t kMostMissing = 200;

/// Of one package; a list does without.
struct Details {
    std::vector<model::MissingItem> missing;
    std::vector<model::FailedItem> failed;
};

tl::unexpected<Error> no_such_package() {
    return fail(ErrorCode::package_not_found, "there is no such package");
}

/// Of a package that can be downloaded, as long as it lives; operators get none.
std::optional<std::string> own_url(const Api& api, const Request& request, const model::Package& package) {
    if (!caller(request).app() || !pipeline::packages::check_usable(package, api.clock.now()))
        return std::nullopt;
    const auto signer = api.image_access.keys()->of(package.app);
    if (signer == nullptr) return std::nullopt;
    return access::package_url(api.image_base, *signer, package, package.expires_at);
}

std::string shown(const PackageApi& of, const Request& request, const model::Package& package,
                  const Details* details) {
    ShownPackage answer{package, own_url(of.api, request, package)};
    if (answer.url)
        answer.store = offered_store_link(of.api.config.packages, of.api.stores, package, of.api.clock.now());
    if (details) {
        answer.missing = &details->missing;
        answer.failed = details->failed;
    }
    if (!caller(request).app()) answer.app = ShownPackage::App::told;
    return package_json(answer, of.api.clock.now());
}

/// With the names of what is missing, and of what could not be read.
Result<std::string> shown_whole(const PackageApi& of, const Request& request, const model::Package& package) {
    Details details;
    if (package.missing > 0) {
        auto found = of.service.missing(package.id, kMostMissing);
        if (!found) return fail(std::move(found.error()));
        details.missing = std::move(*found);
    }
    if (package.state == model::PackageState::failed) {
        auto found = of.packages.failures(package.id, kMostMissing);
        if (!found) return fail(std::move(found.error()));
        details.failed = std::move(*found);
    }
    return shown(of, request, package, &details);
}

Result<Response> create_package(const PackageApi& of, Request& request) {
    auto key = read_idempotency_key(request);
    if (!key) return fail(std::move(key.error()));
    auto wanted = read_package_request(request.body, std::move(*key), of.api.config.packages.most_items);
    if (!wanted) return fail(std::move(wanted.error()));
    std::string{}.swap(request.body);
    wanted->request_id = request.request_id;
    const auto created = of.service.create(*caller(request).app(), std::move(*wanted));
    if (!created) return fail(created.error());
    auto text = shown_whole(of, request, created->package);
    if (!text) return fail(std::move(text.error()));
    auto response = Response::json(202, std::move(*text));
    response.set("Location", "/v1/packages/" + created->package.id.str());
    if (created->how == records::Created::How::replayed) response.set("Idempotency-Replayed", "true");
    return response;
}

Result<Response> list_packages(const PackageApi& of, const Request& request) {
    if (const auto known = check_query(request, {"app", "limit", "cursor"}); !known)
        return fail(known.error());
    storage::packages::PackageListQuery query;
    auto app = listed_app(request);
    if (!app) return fail(std::move(app.error()));
    query.app = std::move(*app);
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    if (page->before) {
        query.before = parse_package_id(*page->before);
        if (!query.before) return not_a_cursor();
    }
    query.limit = page->limit + 1;
    auto packages = of.service.list(query);
    if (!packages) return fail(std::move(packages.error()));
    std::optional<std::string> last_id;
    if (packages->size() > page->limit) {
        packages->resize(page->limit);
        last_id = packages->back().id.str();
    }
    std::vector<std::string> items;
    for (const auto& package : *packages)
        items.push_back(shown(of, request, package, nullptr));
    return page_response(request, items, last_id);
}

template <class Call>
auto with_package(const PackageApi& of, Call call) {
    return [&of, call](Request& request) -> Result<Response> {
        const auto id = parse_package_id(request.parameter("id"));
        if (!id) return no_such_package();
        return call(of, request, *id);
    };
}

Result<Response> answer_with(const PackageApi& of, const Request& request,
                             const Result<model::Package>& package) {
    if (!package) return fail(package.error());
    auto text = shown_whole(of, request, *package);
    if (!text) return fail(std::move(text.error()));
    return Response::json(200, std::move(*text));
}

/// A place to wait, held for this request, which may go first.
Result<std::shared_ptr<PackageWaiters::Waiter>> enter(const PackageApi& of, const Request& request,
                                                      http::Responder& responder) {
    auto entered = of.waiters.enter(waiting_client(of.api, request));
    if (!entered) return fail(std::move(entered.error()));
    responder.on_abandoned(
        [&of, waiter = *entered](http::Abandoned why) { of.waiters.abandon(waiter, why); });
    return std::move(*entered);
}

/// At once, or, with `?wait=`, as soon as it is ready or over.
void get_package(const PackageApi& of, Request request, http::Responder responder) {
    if (const auto known = check_query(request, {"wait"}); !known) return responder.fail(known.error());
    const auto seconds = read_wait(request);
    if (!seconds) return responder.fail(seconds.error());
    const auto id = parse_package_id(request.parameter("id"));
    if (!id) return responder.fail(no_such_package().value());
    std::shared_ptr<PackageWaiters::Waiter> waiter;
    if (seconds->count() > 0) {
        auto entered = enter(of, request, responder);
        if (!entered) return responder.fail(std::move(entered.error()));
        waiter = std::move(*entered);
    }
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    auto asked = std::make_shared<const Request>(std::move(request));
    const auto taken =
        of.api.database_pool.submit([&of, waiting, waiter, asked, id = *id, seconds = *seconds] {
            if (waiting->abandoned()) return;
            const auto package = of.service.find(scope(*asked), id);
            if (!package || !waiter || PackageSubject::is_final(*package))
                return waiting->reply(answer_with(of, *asked, package));
            // Whoever waited is answered by a thread that must not wait for the database.
            of.waiters.wait(waiter, {id, Until::ended, seconds},
                            [&of, waiting, asked](const Result<model::Package>& then, Waited) {
                                const auto again = of.api.database_pool.submit([&of, waiting, asked, then] {
                                    waiting->reply(answer_with(of, *asked, then));
                                });
                                if (!again) waiting->fail(again.error());
                            });
        });
    if (!taken) waiting->fail(taken.error());
}

/// Says which state of the package an event shows: what a client has seen is not told again.
std::string event_id(const model::Package& package) {
    // How many versions are made counts while that is all there is.
    const auto done =
        package.state == model::PackageState::preparing ? package.prepared : package.built_bytes;
    return fmt::format("{}-{}-{}", to_string(package.state), to_string(package.step), done);
}

/// Its progress: each event is the package as GET gives it, if it is another than the last one told.
Result<waiting::NextEvents> next_events(const PackageApi& of, const Request& asked, const PackageId& id,
                                        const std::string& last) {
    const auto found = of.packages.find_marked(scope(asked), id);
    if (!found) return fail(found.error());
    const auto& package = found->package;
    waiting::NextEvents next{{}, false, PackageSubject::is_final(package), found->mark};
    auto event = event_id(package);
    if (event != last)
        next.events.push_back({std::move(event),
                               std::string{next.over ? to_string(package.state) : "progress"},
                               shown(of, asked, package, nullptr)});
    return next;
}

Result<Response> stream_events(const PackageApi& of, const Request& request, const PackageId& id) {
    if (const auto known = check_query(request, {}); !known) return fail(known.error());
    const auto asked = std::make_shared<Request>();
    asked->principal = request.principal;
    return waiting::answer_with_events<PackageSubject>(
        {of.waiters, of.api.database_pool, id,
         [&of, asked, id](const std::string& last) { return next_events(of, *asked, id, last); },
         waiting::last_event_id(request)},
        waiting_client(of.api, request));
}

Result<Response> delete_package(const PackageApi& of, const Request& request, const PackageId& id) {
    const auto package = of.service.remove(scope(request), id);
    if (package) of.waiters.finished(*package);
    return answer_with(of, request, package);
}

Result<Response> make_url(const PackageApi& of, const Request& request, const PackageId& id) {
    const auto expires_in = read_expires_in(request);
    if (!expires_in) return fail(expires_in.error());
    const auto package = of.service.find(scope(request), id);
    if (!package) return fail(package.error());
    const auto end = of.service.link_end(*package, *expires_in);
    if (!end) return fail(end.error());
    const auto signer = of.api.image_access.keys()->of(package->app);
    if (signer == nullptr) return fail(ErrorCode::forbidden, "this app is no longer configured");
    json::Writer json;
    json.begin_object();
    json.name("url");
    json.text(access::package_url(of.api.image_base, *signer, *package, *end));
    json.name("expires_at");
    json.text(format_rfc3339(*end));
    json.end_object();
    auto response = Response::json(200, json.take());
    response.set("Cache-Control", "no-store");
    return response;
}

}  // namespace

void add_package_routes(http::Router& router, const PackageApi& of) {
    const auto& api = of.api;
    const auto app = access::app_key(api.keys);
    const auto key = access::any_key(api.keys);
    auto& pool = api.database_pool;
    const auto add = [&](http::Method method, const char* pattern, http::Handler handler, std::size_t limit,
                         http::HeadCheck check) {
        router.add({method, pattern, std::move(handler), limit, std::move(check), ""}, api.cors);
    };
    auto made = api.metrics.counter({"photogate_packages_created_total", "Packages made.", {}});
    router.add({http::Method::post, "/v1/packages",
                http::answer_on(pool,
                                [&of, made](Request& request) mutable {
                                    auto response = create_package(of, request);
                                    if (response && !response->find("Idempotency-Replayed")) made.add();
                                    return response;
                                }),
                api.config.packages.max_body, http::json_only(app), "", http::BodyBound::route},
               api.cors);
    add(http::Method::get, "/v1/packages",
        http::answer_on(pool, [&of](Request& request) { return list_packages(of, request); }), 0, key);
    add(
        http::Method::get, "/v1/packages/{id}",
        [&of](Request request, http::Responder responder) {
            get_package(of, std::move(request), std::move(responder));
        },
        0, key);
    add(http::Method::get, "/v1/packages/{id}/events", http::answer_on(pool, with_package(of, stream_events)),
        0, key);
    add(http::Method::delete_, "/v1/packages/{id}", http::answer_on(pool, with_package(of, delete_package)),
        0, app);
    add(http::Method::post, "/v1/packages/{id}/url", http::answer_on(pool, with_package(of, make_url)),
        kSmallBody, app);
}

void add_operator_package_routes(http::Router& router, const PackageApi& of) {
    router.add({http::Method::get, "/v1/packages",
                http::answer_on(of.api.database_pool,
                                [&of](Request& request) { return list_packages(of, request); }),
                0, access::operator_key(of.api.keys), ""});
}

}  // namespace photogate::gateway::routes
