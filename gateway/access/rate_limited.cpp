#include "gateway/access/rate_limited.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "gateway/access/principal.hpp"
#include "gateway/http/client_address.hpp"

namespace photogate::gateway::access {
namespace {

/// Apps are those that are configured or were made by an operator.
constexpr std::size_t kMostApps = 65'536;

Rate rate_of(std::uint32_t per_second, std::uint32_t burst = 0) {
    return {static_cast<double>(per_second), burst == 0 ? std::uint64_t{per_second} * 2 : burst};
}

/// The fields of both limits, one behind the other, as lists of structured fields (RFC 9651).
class Fields {
  public:
    void add(const char* name, const TokenBuckets::Taken& taken) {
        const char* comma = policy_.empty() ? "" : ", ";
        policy_ += fmt::format("{}\"{}\";q={};w={}", comma, name, taken.quota, taken.window.count());
        state_ += fmt::format("{}\"{}\";r={};t={}", comma, name, taken.remaining, taken.until_full.count());
    }
    void give(std::vector<http::HeaderField>& headers) {
        if (policy_.empty()) return;
        headers.push_back({"RateLimit-Policy", std::move(policy_)});
        headers.push_back({"RateLimit", std::move(state_)});
    }

  private:
    std::string policy_, state_;
};

}  // namespace

RateLimited::RateLimited(http::Service& service, Options options, RatesOf rates_of, Now now)
    : service_(service),
      options_(std::move(options)),
      rates_of_(std::move(rates_of)),
      now_(std::move(now)),
      apps_(kMostApps),
      tokens_(options_.most_tokens),
      addresses_(options_.most_addresses) {}

http::HeadLimits RateLimited::head_limits(const http::HeadLimits& general) const {
    return service_.head_limits(general);
}

void RateLimited::word(http::Response& response, const http::ErrorContext& context) const {
    service_.word(response, context);
}

void RateLimited::refuse(http::Admission& admission, Limit limit, std::chrono::seconds after,
                         const char* detail) {
    ++refused_[static_cast<std::size_t>(limit)];
    admission.refusal = Error{ErrorCode::rate_limited, detail, {}, after};
}

http::Admission RateLimited::admit(const http::RequestHead& head) {
    auto admission = service_.admit(head);
    if (const auto* error = std::get_if<Error>(&admission.refusal)) {
        const bool wrong =
            error->code == ErrorCode::unauthenticated || error->code == ErrorCode::token_expired;
        if (wrong) count_failure(head, admission);
        return admission;
    }
    if (admission.principal) hold(admission);
    return admission;
}

void RateLimited::count_failure(const http::RequestHead& head, http::Admission& admission) {
    const auto most = options_.failed_authentications;
    if (most == 0 || !head.client || http::is_any_of(*head.client, options_.trusted_proxies)) return;
    const auto taken = addresses_.take(head.client->subscriber().text(), {most / 60.0, most}, now_());
    if (!taken.admitted)
        refuse(
            admission, Limit::address, taken.retry_after,
            "too many requests from this address had credentials that are not valid; correct them before you "
            "come again");
}

void RateLimited::hold(http::Admission& admission) {
    const auto* app = admission.principal->app();
    if (app == nullptr) return;
    const auto rates = rates_of_(*app);
    const auto* token = admission.principal->token();
    Fields fields;
    const auto now = now_();
    if (token != nullptr && rates.per_second_token > 0) {
        const auto taken = tokens_.take(token->id, rate_of(rates.per_second_token), now);
        fields.add("token", taken);
        if (!taken.admitted)
            refuse(admission, Limit::token, taken.retry_after,
                   "the client token sends more requests than it may; wait as Retry-After says");
    }
    if (rates.per_second > 0) {
        const auto rate = rate_of(rates.per_second, rates.burst);
        const bool refused = !std::holds_alternative<std::monostate>(admission.refusal);
        const auto taken = refused ? apps_.look(app->str(), rate, now) : apps_.take(app->str(), rate, now);
        fields.add("app", taken);
        if (!refused && !taken.admitted)
            refuse(admission, Limit::app, taken.retry_after,
                   "the app sends more requests than it may; wait as Retry-After says");
    }
    fields.give(admission.headers);
}

void watch(telemetry::Metrics& metrics, const RateLimited& limited) {
    const auto series = [&metrics](const char* limit) {
        return metrics.mirrored_counter({"photogate_requests_limited_total",
                                         "Requests that were answered 429, by whose limit it was.",
                                         {{"limit", limit}}});
    };
    metrics.before_render(
        [&limited, app = series("app"), token = series("token"), address = series("address")]() mutable {
            app.show(limited.refused(RateLimited::Limit::app));
            token.show(limited.refused(RateLimited::Limit::token));
            address.show(limited.refused(RateLimited::Limit::address));
        });
}

}  // namespace photogate::gateway::access
