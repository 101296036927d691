// POST /v1/uploads/batch: many uploads in one call and one commit.
//
// Reading, planning, signing and rendering hundreds of items would hold up the other connections of an I/O thread, so
// all of it is done on the database's pool, whose thread then waits for the commit.
#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/json/fields.hpp"
#include "gateway/http/json_only.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/work_pool.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/caller.hpp"
#include "gateway/routes/near_region.hpp"
#include "gateway/routes/upload_request.hpp"
#include "gateway/routes/upload_routes.hpp"
#include "gateway/routes/upload_variants.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::routes {
namespace {

namespace uploads = pipeline::uploads;

constexpr std::size_t kBodyLimit = 2'048 * 512;
static_assert(kBodyLimit >= 2'000 * uploads::kMostInBatch);
/// An item has at most 64 pairs of metadata, 16 names of client fields, and some 15 fields of its own.
constexpr json::Bounds kBounds{.bytes = kBodyLimit, .depth = 16, .nodes = 120 * uploads::kMostInBatch};

struct Counts {
    telemetry::Counter created;
    telemetry::Counter duplicates;
    telemetry::Counter refused;
};

struct ReadBatch {
    std::vector<Result<uploads::CreateRequest>> items;
    std::optional<std::string> idempotency_key;
    std::string request_sha256;
};

Result<ReadBatch> read_batch(const Api& api, const http::Request& request) {
    auto key = read_idempotency_key(request);
    if (!key) return fail(std::move(key.error()));
    const auto document = json::read_object(request.body, kBounds);
    if (!document) return fail(document.error());
    json::Fields fields(*document);
    const auto* list = fields.array("uploads", {.presence = json::Presence::required});
    if (list && (list->array()->empty() || list->array()->size() > uploads::kMostInBatch)) {
        fields.refuse("uploads", ErrorCode::invalid_field,
                      fmt::format("'uploads' has 1 to {} items; here are {}", uploads::kMostInBatch,
                                  list->array()->size()));
    }
    if (auto sane = fields.finish(); !sane) return fail(std::move(sane.error()));
    ReadBatch batch;
    batch.items.reserve(list->array()->size());
    for (const auto& item : *list->array()) {
        auto wanted = read_grant_request(item);
        if (!wanted) {
            batch.items.emplace_back(fail(std::move(wanted.error())));
            continue;
        }
        set_origin(request, wanted->request);
        wanted->request.near = near_region(api, request, wanted->request);
        batch.items.emplace_back(
            uploads::CreateRequest{std::move(wanted->request), std::move(wanted->mistakes), {}, {}});
    }
    batch.idempotency_key = std::move(*key);
    if (batch.idempotency_key)
        batch.request_sha256 = hex_lower(signer::sha256("batch " + json::canonical(*document)));
    return batch;
}

/// The item's index beside what is wrong with it.
std::string refused_item(const Error& error, std::size_t index, const std::string& docs_base) {
    auto text = http::problem_json(error, {docs_base, {}});
    text.pop_back();  // its closing brace
    return text + ",\"index\":" + std::to_string(index) + "}";
}

/// What is answered of a batch, item by item.
struct Answers {
    std::vector<std::string> items;
    std::size_t created = 0;
    std::size_t duplicates = 0;
    std::size_t replayed = 0;
    std::size_t refused = 0;
};

Result<> look_up_duplicates(const Api& api, std::vector<Result<uploads::Created>>& outcomes) {
    std::vector<model::Upload> found;
    for (const auto& outcome : outcomes) {
        if (outcome && outcome->duplicate && has_variants(api, *outcome->duplicate))
            found.push_back(*outcome->duplicate);
    }
    if (found.empty()) return {};
    if (auto filled = look_up_variants(api, found); !filled) return filled;
    auto next = found.begin();
    for (auto& outcome : outcomes) {
        if (outcome && outcome->duplicate && has_variants(api, *outcome->duplicate))
            outcome->duplicate = std::move(*next++);
    }
    return {};
}

Answers answers_of(const Api& api, const std::vector<Result<uploads::Created>>& outcomes,
                   std::vector<std::string> rendered, const std::string& docs_base) {
    Answers answers;
    answers.items = std::move(rendered);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const auto& outcome = outcomes[i];
        if (!outcome) {
            answers.items[i] = refused_item(outcome.error(), i, docs_base);
            ++answers.refused;
        } else if (outcome->duplicate) {
            const auto& duplicate = *outcome->duplicate;
            answers.items[i] = duplicate_json(duplicate, api.image_base, api.audience_of(duplicate));
            ++answers.duplicates;
        } else if (const auto& first = outcome->replayed) {
            answers.items[i] =
                granted_json(first->upload, first->grant, api.image_base, api.audience_of(first->upload));
            ++answers.replayed;
        } else {
            ++answers.created;
        }
    }
    return answers;
}

/// A batch between its planning and its commit.
struct PreparedBatch {
    uploads::Caller who;
    uploads::PlannedBatch planned;
    std::vector<std::string> rendered;  ///< the answer to each item that could be planned
};

Result<PreparedBatch> prepare_batch(const Api& api, const http::Request& request) {
    auto batch = read_batch(api, request);
    if (!batch) return fail(std::move(batch.error()));
    PreparedBatch prepared{asking(request), {}, std::vector<std::string>(batch->items.size())};
    auto& planned = prepared.planned;
    planned.idempotency_key = std::move(batch->idempotency_key);
    planned.request_sha256 = std::move(batch->request_sha256);
    for (std::size_t i = 0; i < batch->items.size(); ++i) {
        auto& item = batch->items[i];
        planned.items.push_back(item ? api.service.plan(prepared.who, std::move(*item))
                                     : Result<uploads::PlannedUpload>{tl::unexpected(item.error())});
        if (const auto& one = planned.items.back())
            prepared.rendered[i] = granted_json(one->granted.upload, one->granted.grant, api.image_base,
                                                api.audience_of(one->granted.upload));
    }
    return prepared;
}

Result<http::Response> create_batch(const Api& api, Counts counts, const std::string& docs_base,
                                    PreparedBatch prepared) {
    auto outcomes = api.service.create_batch(prepared.who, std::move(prepared.planned));
    if (!outcomes) return fail(std::move(outcomes.error()));
    if (auto filled = look_up_duplicates(api, *outcomes); !filled) return fail(std::move(filled.error()));
    const auto answers = answers_of(api, *outcomes, std::move(prepared.rendered), docs_base);
    counts.created.add(static_cast<double>(answers.created));
    counts.duplicates.add(static_cast<double>(answers.duplicates));
    counts.refused.add(static_cast<double>(answers.refused));
    failpoint::pass(failpoint::Point::before_create_answer);
    auto response = http::Response::json(
        200, batch_json(answers.items, answers.created + answers.replayed, answers.refused));
    if (answers.replayed > 0) response.set("Idempotency-Replayed", "true");
    return response;
}

/// While hooks are asked no thread of the database's waits.
void answer_batch(const Api& api, Counts counts, const std::string& docs_base, http::Request request,
                  http::Responder responder) {
    struct Work {
        Work(http::Request asked, http::Responder to) : request(std::move(asked)), responder(std::move(to)) {}
        http::Request request;
        http::Responder responder;
        std::optional<PreparedBatch> batch;
    };
    auto work = std::make_shared<Work>(std::move(request), std::move(responder));
    const auto commit = [&api, counts, docs_base, work] {
        work->responder.reply(create_batch(api, counts, docs_base, std::move(*work->batch)));
    };
    const auto prepare = [&api, work, commit] {
        auto prepared = prepare_batch(api, work->request);
        if (!prepared) return work->responder.fail(std::move(prepared.error()));
        auto& batch = work->batch.emplace(std::move(*prepared));
        const bool asks = std::any_of(batch.planned.items.begin(), batch.planned.items.end(),
                                      [](const auto& item) { return item && item->asks_hook; });
        if (!asks) return commit();
        api.service.ask_hooks(batch.planned.items, [&api, work, commit] {
            if (auto taken = api.database_pool.submit([commit] { commit(); }); !taken)
                work->responder.fail(std::move(taken.error()));
        });
    };
    if (auto taken = api.database_pool.submit([prepare] { prepare(); }); !taken)
        work->responder.fail(std::move(taken.error()));
}

}  // namespace

void add_batch_route(http::Router& router, const Api& api) {
    const Counts counts{
        api.metrics.counter({"photogate_uploads_created_total", "Uploads granted.", {}}),
        api.metrics.counter({"photogate_uploads_deduplicated_total",
                             "Requests that were answered with a published image of the same bytes.",
                             {}}),
        api.metrics.counter(
            {"photogate_batch_items_refused_total", "Items of batches that were refused.", {}})};
    const auto docs_base =
        (api.config.server.public_url ? api.config.server.public_url->origin() : std::string{})
            .append(http::ProblemContext{}.docs_base);
    const auto who = http::json_only(access::app_or_token(api.credentials()));
    for (const char* pattern : {"/v1/uploads/batch", "/u/{token}/v1/uploads/batch"}) {
        router.add({http::Method::post, pattern,
                    [&api, counts, docs_base](http::Request request, http::Responder responder) {
                        answer_batch(api, counts, docs_base, std::move(request), std::move(responder));
                    },
                    kBodyLimit, who, ""},
                   api.cors);
    }
}

}  // namespace photogate::gateway::routes
