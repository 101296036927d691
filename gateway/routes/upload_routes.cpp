#include "gateway/routes/upload_routes.hpp"

#include <utility>

#include "base/json/fields.hpp"
#include "base/json/writer.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/cursor.hpp"
#include "gateway/routes/part_request.hpp"
#include "gateway/routes/request_fields.hpp"
#include "gateway/routes/similar_query.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_variants.hpp"
#include "gateway/routes/waiting_client.hpp"
#include "model/enum_words.hpp"
#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::gateway::routes {
namespace {

namespace records = storage::records;
using http::Request;
using http::Response;

constexpr std::size_t kSmallBody = 4'096;
/// A deletion that takes longer is answered 202 and continues in the background.
constexpr std::chrono::seconds kLongestErasing{10};

tl::unexpected<Error> no_such_upload() {
    return fail(ErrorCode::upload_not_found, "there is no such upload");
}

/// An id that we can not have made names nothing: the same answer as for another app's.
Result<UploadId> upload_id(const Request& request) {
    const auto id = parse_upload_id(request.parameter("id"));
    if (!id) return no_such_upload();
    return *id;
}

Response upload_response(const Api& api, const model::Upload& upload, int status = 200) {
    return Response::json(status,
                          notifier::callbacks::upload_json(upload, api.image_base, api.audience_of(upload)));
}

/// With one member more.
std::string with_member(std::string object, const std::string& name, const std::string& value) {
    return object.insert(1, "\"" + name + "\":" + value + ",");
}

/// The operator's answer names the app.
std::string upload_json_for(const Api& api, const pipeline::uploads::Caller& who,
                            const model::Upload& upload) {
    auto text = notifier::callbacks::upload_json(upload, api.image_base, api.audience_of(upload));
    if (who.app) return text;
    json::Writer app;
    app.text(upload.app.str());
    return with_member(std::move(text), "app", app.take());
}

template <class Call>
auto with_upload(const Api& api, Call call) {
    return [&api, call](Request& request) -> Result<Response> {
        const auto id = upload_id(request);
        if (!id) return fail(id.error());
        return call(api, request, *id);
    };
}

Result<Response> answer(const Api& api, const Result<model::Upload>& upload) {
    if (!upload) return fail(upload.error());
    return upload_response(api, *upload);
}

Result<Response> answer_to(const Api& api, const pipeline::uploads::Caller& who,
                           const Result<model::Upload>& upload) {
    if (!upload) return fail(upload.error());
    return Response::json(200, upload_json_for(api, who, *upload));
}

auto abandons(const Api& api, std::shared_ptr<Waiters::Waiter> waiter) {
    return [&api, waiter = std::move(waiter)](http::Abandoned why) { api.waiters.abandon(waiter, why); };
}

/// Whoever waited is answered by a thread that must not wait for the database.
void reply_looking_up(const Api& api, const std::shared_ptr<http::Responder>& waiting,
                      const pipeline::uploads::Caller& who, const Result<model::Upload>& upload) {
    if (!upload || !has_variants(api, *upload)) return waiting->reply(answer_to(api, who, upload));
    const auto taken = api.database_pool.submit(
        [&api, waiting, who, upload] { waiting->reply(answer_to(api, who, with_variants(api, upload))); });
    if (!taken) waiting->fail(taken.error());
}

void get_upload(const Api& api, Request request, http::Responder responder) {
    const auto known = check_query(request, {"wait"});
    if (!known) return responder.fail(known.error());
    const auto seconds = read_wait(request);
    if (!seconds) return responder.fail(seconds.error());
    const auto id = upload_id(request);
    if (!id) return responder.fail(id.error());
    std::shared_ptr<Waiters::Waiter> waiter;
    if (seconds->count() > 0) {
        auto entered = api.waiters.enter(waiting_client(api, request));
        if (!entered) return responder.fail(std::move(entered.error()));
        waiter = std::move(*entered);
        responder.on_abandoned(abandons(api, waiter));
    }
    // Moved into the pool's work; given back by hand where the pool refuses.
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    const auto taken = api.database_pool.submit(
        [&api, waiting, waiter, who = asking(request), id = *id, seconds = *seconds] {
            if (waiting->abandoned()) return;
            auto upload = api.service.find(who, id);
            if (!upload || is_final(upload->state) || !waiter)
                return waiting->reply(answer_to(api, who, with_variants(api, std::move(upload))));
            api.waiters.wait(waiter, {id, Until::ended, seconds},
                             [&api, waiting, who](const Result<model::Upload>& then, Waited) {
                                 reply_looking_up(api, waiting, who, then);
                             });
        });
    if (!taken) waiting->fail(taken.error());
}

/// 200 once its objects are gone from the store and no gateway serves it any more; 202 where that takes its time, or where there is no place to
/// wait. Whoever leaves before its turn has it deleted all the same.
void delete_upload(const Api& api, const Request& request, http::Responder responder) {
    const auto id = upload_id(request);
    if (!id) return responder.fail(id.error());
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    const auto taken = api.database_pool.submit([&api, waiting, client = waiting_client(api, request),
                                                 who = asking(request), id = *id] {
        const auto erased = api.service.cancel_or_erase(who, id);
        if (!erased) return waiting->fail(erased.error());
        api.waiters.finished(*erased);
        api.recent_images.forget(erased->public_id);
        api.image_memory.forget(erased->public_id);
        if (api.image_disk) api.image_disk->forget(erased->public_id);
        // No gateway may have it by what it looked up before.
        const auto at_least =
            erased->image ? delivery::RecentImages::kDeletionWait : std::chrono::milliseconds{0};
        const auto waiter = api.waiters.enter(client);
        if (!waiter) return waiting->respond(upload_response(api, *erased, 202));
        waiting->on_abandoned(abandons(api, *waiter));
        api.waiters.wait(*waiter, {id, Until::gone, kLongestErasing, at_least},
                         [&api, waiting, erased = *erased](const Result<model::Upload>& then, Waited waited) {
                             // Deleted it is, whether or not it could be looked at again.
                             waiting->respond(upload_response(api, then.value_or(erased),
                                                              waited == Waited::fulfilled ? 200 : 202));
                         });
    });
    if (!taken) waiting->fail(taken.error());
}

/// Where the list goes on, for its order.
Result<> read_cursor_into(records::ListQuery& query, const std::string& cursor) {
    if (query.similar) {
        if (!go_on_behind(cursor, query)) return not_a_cursor();
        return {};
    }
    query.before = parse_upload_id(cursor);
    if (!query.before) return not_a_cursor();
    return {};
}

Result<records::ListQuery> read_list_query(const Api& api, const Request& request) {
    if (const auto known = check_query(request, {"app", "state", "profile", "created_after", "similar_to",
                                                 "distance", "limit", "cursor", "metadata."});
        !known) {
        return fail(known.error());
    }
    records::ListQuery query;
    auto app = listed_app(request);
    if (!app) return fail(std::move(app.error()));
    query.app = std::move(*app);
    if (const auto text = request.query_value("state")) {
        query.state = model::parse_word<model::UploadState>(*text);
        if (!query.state) return fail(ErrorCode::invalid_query, "'state' is none of the states of an upload");
    }
    if (const auto text = request.query_value("profile"))
        query.profile = ProfileName::trusted(std::string{*text});
    if (const auto text = request.query_value("created_after")) {
        query.created_after = parse_rfc3339(*text);
        if (!query.created_after)
            return fail(ErrorCode::invalid_query, "'created_after' is a time as 2026-11-20T12:34:56Z");
    }
    for (const auto& parameter : request.query) {
        constexpr std::string_view prefix = "metadata.";
        if (parameter.name.starts_with(prefix))
            query.metadata[parameter.name.substr(prefix.size())] = parameter.value;
    }
    const auto page = read_page_request(request);
    if (!page) return fail(page.error());
    query.limit = page->limit;
    const auto similar = read_similar_query(request);
    if (!similar) return fail(similar.error());
    if (*similar) {
        if (!query.app)
            return fail(ErrorCode::invalid_query,
                        "'similar_to' looks among one app's uploads: name its 'app'");
        auto hash = find_hash(api.uploads, query.app, **similar);
        if (!hash) return fail(std::move(hash.error()));
        query.similar = std::move(*hash);
    }
    if (page->before) {
        if (auto at = read_cursor_into(query, *page->before); !at) return fail(std::move(at.error()));
    }
    return query;
}

Result<Response> list_uploads(const Api& api, const Request& request) {
    auto query = read_list_query(api, request);
    if (!query) return fail(query.error());
    // One more than asked for tells whether there is a next page.
    const auto wanted = query->limit++;
    auto uploads = api.uploads.list(*query);
    if (!uploads) return fail(uploads.error());
    const auto last_id = cut_to_page(*uploads, wanted, [&](const model::Upload& last) {
        return query->similar ? cursor_behind(*query->similar, last) : last.id.str();
    });
    if (auto filled = look_up_variants(api, *uploads); !filled) return fail(std::move(filled.error()));
    std::vector<std::string> items;
    for (const auto& upload : *uploads) {
        auto item = upload_json_for(api, asking(request), upload);
        if (query->similar)
            item = with_member(std::move(item), "distance",
                               std::to_string(distance_of(*query->similar, upload)));
        items.push_back(std::move(item));
    }
    return page_response(request, items, last_id);
}

/// A fresh URL for the same object.
Result<Response> sign_again(const Api& api, const Request& request, const UploadId& id) {
    const auto expires_in = read_expires_in(request);
    if (!expires_in) return fail(expires_in.error());
    const auto granted = api.service.sign_again(asking(request), id, *expires_in);
    if (!granted) return fail(granted.error());
    return Response::json(
        200, granted_json(granted->upload, granted->grant, api.image_base, api.audience_of(granted->upload)));
}

Result<Response> timeline(const Api& api, const Request& request, const UploadId& id) {
    const auto entries = api.service.timeline(asking(request), id);
    if (!entries) return fail(entries.error());
    return Response::json(200, timeline_json(*entries));
}

/// What was told of it, as it was sent; where it went is not a client's to know.
Result<Response> callbacks_of(const Api& api, const Request& request, const UploadId& id) {
    if (const auto seen = api.service.find(asking(request), id); !seen) return fail(seen.error());
    records::CallbackQuery query;
    query.app = scope(request);
    query.upload = id;
    query.limit = 200;
    const auto found = api.outbox.list(query);
    if (!found) return fail(found.error());
    std::vector<std::string> items;
    for (auto details = found->rbegin(); details != found->rend(); ++details)
        items.push_back(sent_callback_json(details->callback));
    return page_response(request, items, std::nullopt);
}

/// The body counts where the upload was sent in parts.
Result<Response> complete(const Api& api, const Request& request, const UploadId& id) {
    std::optional<std::vector<pipeline::NamedPart>> parts;
    if (!request.body.empty()) {
        const auto seen = api.service.find(asking(request), id);
        if (!seen) return fail(seen.error());
        if (seen->method == model::GrantMethod::multipart) {
            auto named = read_named_parts(request.body);
            if (!named) return fail(std::move(named.error()));
            parts = std::move(*named);
        }
    }
    return answer(api, api.service.complete(asking(request), id, parts));
}

Result<Response> retry(const Api& api, const Request& request, const UploadId& id) {
    return answer(api, api.service.retry(asking(request), id));
}

/// Those that lack are made by a job; the callback `variant.ready` tells when.
Result<Response> make_variants(const Api& api, const Request& request, const UploadId& id) {
    const auto& who = caller(request);
    const auto seen = api.service.find(asking(request), id);
    if (!seen) return fail(seen.error());
    if (seen->state == model::UploadState::published && !has_variants(api, *seen))
        return fail(ErrorCode::variant_not_found, "the upload's profile has no variants");
    auto ordered = api.variants.order(who.app() ? std::make_optional(*who.app()) : std::nullopt, id);
    ordered = with_variants(api, std::move(ordered));
    if (!ordered) return fail(ordered.error());
    return Response::json(202, upload_json_for(api, asking(request), *ordered));
}

}  // namespace

void add_upload_routes(http::Router& router, const Api& api) {
    add_create_route(router, api);
    add_batch_route(router, api);
    add_part_routes(router, api);
    add_upload_events(router, api);
    const auto anyone = access::key_or_token(api.credentials());
    const auto key = access::any_key(api.keys);
    const auto on = [&](http::WorkPool& pool, auto call) {
        return http::answer_on(pool, with_upload(api, call));
    };
    const http::Handler get = [&api](Request request, http::Responder responder) {
        get_upload(api, std::move(request), std::move(responder));
    };
    const http::Handler remove = [&api](Request request, http::Responder responder) {
        delete_upload(api, request, std::move(responder));
    };
    // What a client token's bearer may do too, with the token in the path for clients that can send no
    // headers.
    for (const std::string base : {"/v1/uploads/{id}", "/u/{token}/v1/uploads/{id}"}) {
        const auto add = [&](http::Method method, const char* rest, http::Handler handler, std::size_t body) {
            router.add({method, base + rest, std::move(handler), body, anyone, ""}, api.cors);
        };
        add(http::Method::get, "", get, 0);
        add(http::Method::delete_, "", remove, 0);
        add(http::Method::get, "/callbacks", on(api.database_pool, callbacks_of), 0);
        add(http::Method::post, "/sign", on(api.database_pool, sign_again), kSmallBody);
        add(http::Method::post, "/complete", on(api.store_pool, complete), kLongestPartList);
    }
    router.add(
        {http::Method::get, "/v1/uploads",
         http::answer_on(api.database_pool, [&api](Request& request) { return list_uploads(api, request); }),
         0, key, ""},
        api.cors);
    router.add({http::Method::get, "/v1/uploads/{id}/timeline", on(api.database_pool, timeline), 0, key, ""},
               api.cors);
    router.add(
        {http::Method::post, "/v1/uploads/{id}/retry", on(api.database_pool, retry), kSmallBody, key, ""},
        api.cors);
    router.add({http::Method::post, "/v1/uploads/{id}/variants", on(api.database_pool, make_variants),
                kSmallBody, key, ""},
               api.cors);
}

void add_operator_routes(http::Router& router, const Api& api) {
    const auto key = access::operator_key(api.keys);
    const auto on = [&](auto call) { return http::answer_on(api.database_pool, with_upload(api, call)); };
    const auto add = [&](http::Method method, const char* pattern, http::Handler handler, std::size_t body) {
        router.add({method, pattern, std::move(handler), body, key, ""});
    };
    add(http::Method::get, "/v1/uploads",
        http::answer_on(api.database_pool, [&api](Request& request) { return list_uploads(api, request); }),
        0);
    add(
        http::Method::get, "/v1/uploads/{id}",
        [&api](Request request, http::Responder responder) {
            get_upload(api, std::move(request), std::move(responder));
        },
        0);
    add(http::Method::get, "/v1/uploads/{id}/timeline", on(timeline), 0);
    add(http::Method::get, "/v1/uploads/{id}/callbacks", on(callbacks_of), 0);
    add(http::Method::post, "/v1/uploads/{id}/retry", on(retry), kSmallBody);
    add_operator_callback_routes(router, api);
}

}  // namespace photogate::gateway::routes
