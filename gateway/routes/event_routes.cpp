// POST /v1/events/{source}: what the store says comes in. 2xx as soon as it is durable, whatever it says; 503
// only where it could not be stored, or the sender could not be proven yet. Any other answer to an authenticated
// sender would block a MinIO node's queue for ever.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.hpp"
#include "gateway/routes/answers_wire.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/caller.hpp"
#include "notifier/events/refusal_log.hpp"
#include "notifier/events/source.hpp"
#include "pipeline/event_metrics.hpp"

namespace photogate::gateway::routes {
namespace {

namespace events = notifier::events;

constexpr std::size_t kBodyLimit = events::kMostEventBytes;
constexpr std::chrono::seconds kAskAgain{5};

events::SenderHead sender_of(const http::RequestHead& head) {
    return {[&head](std::string_view name) {
                return head.headers.count(name) == 1 ? head.headers.find(name) : std::nullopt;
            },
            [&head](std::string_view name) {
                const auto count = std::count_if(head.query.begin(), head.query.end(),
                                                 [name](const auto& one) { return one.name == name; });
                return count == 1 ? head.query_value(name) : std::nullopt;
            }};
}

tl::unexpected<Error> unauthenticated() {
    return fail(ErrorCode::unauthenticated,
                "the request has no valid credential of this source: a token, or a signature of its sender");
}

/// What requests share. The routes' handlers hold it.
struct EventReception {
    explicit EventReception(const Api& api) : metrics(api.metrics, api.event_sources), log(api.clock) {}

    pipeline::EventMetrics metrics;
    events::RefusalLog log;

    void refused(const events::Source* source, events::RefusedFor why, std::string_view detail = {}) {
        metrics.refused(source);
        log.refused(source, why, detail);
    }
};

bool has_credentials(const http::RequestHead& head) {
    return head.headers.find("authorization") || head.query_value("token") ||
           head.headers.find("x-amz-sns-message-type") ||
           head.headers.find("x-bz-event-notification-signature");
}

/// Who sends, before a byte of the body is read. A source that does not exist is refused like a wrong token.
class HeadCheck {
  public:
    HeadCheck(const Api& api, std::shared_ptr<EventReception> shared)
        : api_(api), shared_(std::move(shared)) {}

    Result<http::PrincipalPtr> operator()(const http::RequestHead& head,
                                          const http::PathParameters& parameters) {
        const auto* source = api_.event_sources.find(parameters.empty() ? "" : parameters.front().value);
        const auto verdict = events::Sources::from_head(source, sender_of(head));
        if (source && verdict != events::HeadVerdict::refuse)
            return std::make_shared<const access::Principal>(access::EventSource{source, verdict});
        shared_->refused(source, !source                  ? events::RefusedFor::unknown_source
                                 : !has_credentials(head) ? events::RefusedFor::missing_credentials
                                                          : events::RefusedFor::wrong_credentials);
        return unauthenticated();
    }

  private:
    const Api& api_;
    std::shared_ptr<EventReception> shared_;
};

http::Response accepted(const pipeline::IntakeSummary& summary) {
    const auto passed_over = summary.duplicate + summary.known + summary.unknown + summary.ignored +
                             summary.attacks + summary.unwanted + summary.unproven + summary.deferred;
    return http::Response::json(200, intake_json(summary.received, passed_over, summary.quarantined));
}

Error later(std::string detail, std::chrono::seconds wait) {
    return {ErrorCode::unavailable, std::move(detail), {}, wait};
}

/// Of a sender that is proven.
void take_in(const Api& api, std::shared_ptr<EventReception> shared, const events::Source& source,
             http::Request request, http::Responder responder) {
    auto batch = std::make_shared<pipeline::Intake::ParsedBody>(
        events::parse(source.dialect, source.keys, request.body));
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    auto body = std::make_shared<std::string>(std::move(request.body));
    auto ticket = std::make_shared<InFlight::Ticket>(api.in_flight.enter());
    auto work = [&api, shared, waiting, batch, body, &source, ticket = std::move(ticket)] {
        api.intake.take_in(
            source, *batch, *body,
            [&api, shared, waiting, batch, &source, ticket](Result<pipeline::IntakeSummary> summary) mutable {
                if (!summary)
                    return waiting->fail(
                        later("the event could not be stored; send it again", std::chrono::seconds{1}));
                shared->metrics.taken_in(source, *summary, *batch, api.clock.now());
                waiting->respond(accepted(*summary));
            });
    };
    if (!pipeline::Intake::may_block(source, *batch)) return work();
    if (const auto taken = api.store_pool.submit(std::move(work)); !taken) waiting->fail(taken.error());
}

/// What a proven message asks for besides: nothing in most, the confirmation of a subscription in one of SNS. Blocking.
Result<> confirm(const events::Source& source, const std::string& body) {
    if (!source.confirm) return {};
    const auto batch = events::parse(source.dialect, source.keys, body);
    if (!batch || !batch->subscription) return {};
    auto confirmed = source.confirm(*batch->subscription);
    if (confirmed) {
        log::info("event.subscription_confirmed",
                  {{"source", source.name}, {"topic", batch->subscription->topic}});
    } else {
        log::warn("event.subscription_failed", {{"source", source.name},
                                                {"topic", batch->subscription->topic},
                                                {"detail", confirmed.error().detail}});
    }
    return confirmed;
}

/// Of a sender whose body has to prove it. Blocking.
void prove(const Api& api, const std::shared_ptr<EventReception>& shared, const events::Source& source,
           http::Request request, http::Responder responder) {
    const auto decision = source.authenticator->from_body(sender_of(request), request.body);
    switch (decision.verdict) {
        case events::BodyVerdict::accept:
            break;
        case events::BodyVerdict::refuse:
            shared->refused(&source, events::RefusedFor::wrong_credentials, decision.reason);
            return responder.fail(unauthenticated().value());
        case events::BodyVerdict::undecided:
            log::warn("event.unproven_sender", {{"source", source.name}, {"detail", decision.reason}});
            return responder.fail(later("the sender could not be proven yet; send it again", kAskAgain));
    }
    if (const auto confirmed = confirm(source, request.body); !confirmed)
        return responder.fail(later("the subscription could not be confirmed; send it again", kAskAgain));
    take_in(api, shared, source, std::move(request), std::move(responder));
}

void receive(const Api& api, const std::shared_ptr<EventReception>& shared, http::Request request,
             http::Responder responder) {
    const auto sender = std::get<access::EventSource>(caller(request).who);
    const auto& source = *sender.source;
    if (sender.verdict == events::HeadVerdict::accept)
        return take_in(api, shared, source, std::move(request), std::move(responder));
    auto waiting = std::make_shared<http::Responder>(std::move(responder));
    auto work = [&api, shared, &source, waiting, request = std::move(request)]() mutable {
        prove(api, shared, source, std::move(request), std::move(*waiting));
    };
    if (const auto taken = api.event_pool.submit(std::move(work)); !taken) waiting->fail(taken.error());
}

}  // namespace

void add_event_routes(http::Router& router, const Api& api) {
    auto shared = std::make_shared<EventReception>(api);
    router.add({http::Method::post, "/v1/events/{source}",
                [&api, shared](http::Request request, http::Responder responder) {
                    receive(api, shared, std::move(request), std::move(responder));
                },
                kBodyLimit, HeadCheck{api, shared}, ""});
}

}  // namespace photogate::gateway::routes
