// POST /v1/events/{source}: what the store says comes in. 2xx as soon as it is durable, whatever it says; 503
// only where it could not be stored. Any other answer to an authenticated sender would block a MinIO node's
// queue for ever.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "notifier/events/refusal_log.hpp"
#include "notifier/events/source.hpp"

namespace photogate::gateway::routes {
namespace {

namespace events = notifier::events;

constexpr std::size_t kBodyLimit = events::kMostEventBytes;

struct Counters {
    telemetry::Counter received, passed_over, unwanted, unproven, deferred, quarantined, attacks,
        unauthenticated;
    telemetry::Histogram lag;
};

/// Both labels are names of the configuration. `photogate doctor` reads it.
telemetry::Counter probes_counter(telemetry::Metrics& metrics, const std::string& source,
                                  const std::string& region) {
    return metrics.counter(
        {"photogate_event_probes_total",
         "Store events about objects that a probe of the store wrote (start, hourly, doctor).",
         {{"source", source}, {"region", region}}});
}

const std::vector<double>& lag_buckets() {
    static const std::vector<double> buckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                             2.5,  5,     10,   30,  60,   300, 3'600};
    return buckets;
}

/// Never below zero: a store's clock may be ahead of ours.
double seconds_between(Timestamp from, Timestamp until) {
    return std::max(0.0, std::chrono::duration<double>(until - from).count());
}

events::HeadFields fields_of(const http::RequestHead& head) {
    return [&head](std::string_view name) {
        return head.headers.count(name) == 1 ? head.headers.find(name) : std::nullopt;
    };
}

tl::unexpected<Error> unauthenticated() {
    return fail(ErrorCode::unauthenticated, "send 'Authorization: Bearer …' with this source's token");
}

/// Who sends, before a byte of the body is read. A source that does not exist is refused like a wrong token.
class HeadCheck {
  public:
    HeadCheck(const Api& api, telemetry::Counter refused, std::shared_ptr<events::RefusalLog> log)
        : api_(api), refused_(refused), log_(std::move(log)) {}

    Result<http::PrincipalPtr> operator()(const http::RequestHead& head,
                                          const http::PathParameters& parameters) {
        const auto* source = api_.event_sources.find(parameters.empty() ? "" : parameters.front().value);
        const auto verdict = events::Sources::from_head(source, fields_of(head));
        if (source && verdict != events::HeadVerdict::refuse)
            return std::make_shared<const access::Principal>(access::EventSource{source, verdict});
        refused_.add();
        log_->refused(source, !source                               ? events::RefusedFor::unknown_source
                              : !head.headers.find("authorization") ? events::RefusedFor::missing_credentials
                                                                    : events::RefusedFor::wrong_credentials);
        return unauthenticated();
    }

  private:
    const Api& api_;
    telemetry::Counter refused_;
    std::shared_ptr<events::RefusalLog> log_;
};

http::Response accepted(const pipeline::IntakeSummary& summary) {
    const auto passed_over = summary.duplicate + summary.known + summary.unknown + summary.ignored +
                             summary.attacks + summary.unwanted + summary.unproven + summary.deferred;
    return http::Response::json(200, intake_json(summary.received, passed_over, summary.quarantined));
}

void observe_lag(telemetry::Histogram& lag, const events::EventBatch& batch, Timestamp now) {
    for (const auto& event : batch.events) {
        if (event.occurred_at) lag.observe(seconds_between(*event.occurred_at, now));
    }
}

/// Whether a body that its head asked for proves the sender.
bool proven(const access::EventSource& sender, const http::Request& request) {
    if (sender.verdict == events::HeadVerdict::accept) return true;
    const auto& authenticator = *sender.source->authenticator;
    return authenticator.from_body(fields_of(request), request.body) == events::BodyVerdict::accept;
}

void take_in(const Api& api, Counters counters, events::RefusalLog& log, http::Request request,
             http::Responder responder) {
    const auto& sender = std::get<access::EventSource>(caller(request).who);
    const auto& source = *sender.source;
    if (!proven(sender, request)) {
        counters.unauthenticated.add();
        log.refused(&source, events::RefusedFor::wrong_credentials);
        return responder.fail(unauthenticated().value());
    }
    auto batch = std::make_shared<pipeline::Intake::ParsedBody>(
        events::parse(source.dialect, source.keys, request.body));
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    auto body = std::make_shared<std::string>(std::move(request.body));
    auto ticket = std::make_shared<InFlight::Ticket>(api.in_flight.enter());
    auto work = [&api, counters, waiting, batch, body, &source, ticket = std::move(ticket)] {
        api.intake.take_in(
            source, *batch, *body,
            [&api, counters, waiting, batch, &source,
             ticket](Result<pipeline::IntakeSummary> summary) mutable {
                if (!summary) {
                    Error error{ErrorCode::unavailable,
                                "the event could not be stored; send it again",
                                {},
                                std::chrono::seconds{1}};
                    return waiting->fail(std::move(error));
                }
                // What was taken in before says only how long ago that was.
                if (*batch && summary->received > 0) observe_lag(counters.lag, **batch, api.clock.now());
                for (const auto& region : summary->probed_regions)
                    probes_counter(api.metrics, source.name, region).add();
                counters.received.add(static_cast<double>(summary->received));
                counters.attacks.add(static_cast<double>(summary->attacks));
                counters.unwanted.add(static_cast<double>(summary->unwanted));
                counters.unproven.add(static_cast<double>(summary->unproven));
                counters.deferred.add(static_cast<double>(summary->deferred));
                counters.quarantined.add(static_cast<double>(summary->quarantined));
                counters.passed_over.add(static_cast<double>(summary->duplicate + summary->known +
                                                             summary->unknown + summary->ignored));
                waiting->respond(accepted(*summary));
            });
    };
    if (!pipeline::Intake::may_block(source, *batch)) return work();
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
                      counter("unwanted"),
                      counter("unproven"),
                      counter("deferred"),
                      counter("quarantined"),
                      counter("attack"),
                      counter("unauthenticated"),
                      api.metrics.histogram({"photogate_event_lag_seconds",
                                             "From what a store's event tells of until it is durable here.",
                                             {}},
                                            lag_buckets())};
    auto log = std::make_shared<events::RefusalLog>(api.clock);
    router.add({http::Method::post, "/v1/events/{source}",
                [&api, counters, log](http::Request request, http::Responder responder) {
                    take_in(api, counters, *log, std::move(request), std::move(responder));
                },
                kBodyLimit, HeadCheck{api, counters.unauthenticated, log}, ""});
}

}  // namespace photogate::gateway::routes
