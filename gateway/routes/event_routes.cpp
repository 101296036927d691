// POST /v1/events/{source}: what the store says comes in. 2xx as soon as it is durable, whatever it says; 503
// only where it could not be stored. Any other answer to an authenticated sender would block a MinIO node's
// queue for ever.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/api.hpp"
#include "notifier/events/store_event.hpp"

namespace photogate::gateway::routes {
namespace {

constexpr std::size_t kBodyLimit = 1 << 20;

struct Counters {
    http::Counter received, passed_over, quarantined, attacks, unauthenticated;
    http::Histogram lag;
};

const std::vector<double>& lag_buckets() {
    static const std::vector<double> buckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                             2.5,  5,     10,   30,  60,   300, 3'600};
    return buckets;
}

/// Never below zero: a store's clock may be ahead of ours.
double seconds_between(Timestamp from, Timestamp until) {
    return std::max(0.0, std::chrono::duration<double>(until - from).count());
}

const config::EventSource* source_of(const Api& api, std::string_view name) {
    const auto found = api.config.events.find(std::string{name});
    return found == api.config.events.end() ? nullptr : &found->second;
}

/// `Bearer <token>` or the token as the two-word form that MinIO sends verbatim. An unknown source answers as
/// a wrong token.
bool authenticated(const config::EventSource* source, const http::RequestHead& head) {
    static const config::EventSource nobody{};
    const auto sent = head.headers.find("authorization").value_or("");
    constexpr std::string_view scheme = "bearer ";
    const bool bearer =
        sent.size() > scheme.size() && http::equal_ignoring_case(sent.substr(0, scheme.size()), scheme);
    return config::token_matches((source ? *source : nobody).tokens,
                                 bearer ? sent.substr(scheme.size()) : sent);
}

http::Response accepted(const pipeline::IntakeSummary& summary) {
    const auto passed_over =
        summary.duplicate + summary.known + summary.unknown + summary.ignored + summary.attacks;
    return http::Response::json(200, intake_json(summary.received, passed_over, summary.quarantined));
}

void take_in(const Api& api, Counters counters, http::Request request, http::Responder responder) {
    const std::string name{request.parameter("source")};
    const auto* source = source_of(api, name);
    if (!source)
        return responder.fail(
            {ErrorCode::event_source_not_found, "there is no such event source", {}, std::nullopt});
    auto batch = std::make_shared<notifier::events::EventBatch>(
        notifier::events::parse_store_events(request.body, source->key_encoding));
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    auto body = std::make_shared<std::string>(std::move(request.body));
    auto work = [&api, counters, waiting, batch, body, name] {
        api.intake.take_in(
            name, *batch, *body,
            [&api, counters, waiting, batch](Result<pipeline::IntakeSummary> summary) mutable {
                if (!summary) {
                    Error error{ErrorCode::unavailable,
                                "the event could not be stored; send it again",
                                {},
                                std::chrono::seconds{1}};
                    return waiting->fail(std::move(error));
                }
                // What was taken in before says only how long ago that was.
                for (const auto& event : batch->events) {
                    if (event.occurred_at && summary->received > 0)
                        counters.lag.observe(seconds_between(*event.occurred_at, api.clock.now()));
                }
                counters.received.add(static_cast<double>(summary->received));
                counters.attacks.add(static_cast<double>(summary->attacks));
                counters.quarantined.add(static_cast<double>(summary->quarantined));
                counters.passed_over.add(static_cast<double>(summary->duplicate + summary->known +
                                                             summary->unknown + summary->ignored));
                waiting->respond(accepted(*summary));
            });
    };
    if (!pipeline::Intake::may_block(*batch)) return work();
    if (const auto taken = api.store_pool.submit(std::move(work)); !taken) waiting->fail(taken.error());
}

}  // namespace

void add_event_routes(http::Router& router, const Api& api) {
    const auto counter = [&](const char* result) {
        return api.metrics.counter({"photogate_events_received_total",
                                    "Records in store events, by what became of them.",
                                    {{"result", result}}});
    };
    Counters counters{counter("received"),
                      counter("passed_over"),
                      counter("quarantined"),
                      counter("attack"),
                      counter("unauthenticated"),
                      api.metrics.histogram({"photogate_event_lag_seconds",
                                             "From what a store's event tells of until it is durable here.",
                                             {}},
                                            lag_buckets())};
    router.add({http::Method::post, "/v1/events/{source}",
                [&api, counters](http::Request request, http::Responder responder) {
                    take_in(api, counters, std::move(request), std::move(responder));
                },
                kBodyLimit,
                [&api, counters](const http::RequestHead& head,
                                 const http::PathParameters& parameters) mutable -> Result<std::any> {
                    const auto* source = source_of(api, parameters.empty() ? "" : parameters.front().value);
                    if (!authenticated(source, head)) {
                        counters.unauthenticated.add();
                        return fail(ErrorCode::unauthenticated,
                                    "send 'Authorization: Bearer …' with this source's token");
                    }
                    return std::any{};
                },
                ""});
}

}  // namespace photogate::gateway::routes
