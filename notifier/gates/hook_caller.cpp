#include "notifier/gates/hook_caller.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/tracing/tracing.hpp"
#include "base/version.hpp"
#include "notifier/callbacks/client_span.hpp"
#include "storage/http/retry_after.hpp"

namespace photogate::notifier::gates {
namespace {

namespace http = storage::http;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kConnectTimeout{3'000};
constexpr std::chrono::seconds kRetryAfter{5};
constexpr int kOk = 200;

telemetry::Counter calls(telemetry::Metrics& metrics, Hook hook, const char* result) {
    return metrics.counter(
        {"photogate_hook_calls_total",
         "Questions to apps' hooks, by what came of them: allowed, refused, failed (no verdict), away "
         "(not called, because it failed before).",
         {{"hook", std::string{to_string(hook)}}, {"result", result}}});
}

/// A title of the table of errors inside a sentence. The error's own detail may name the host.
std::string in_sentence(ErrorCode code) {
    std::string words{title(code)};
    if (!words.empty() && words.size() > 1 && words[1] >= 'a') words[0] = ascii::to_lower(words[0]);
    return words;
}

Error no_verdict(Hook hook, std::string_view why, std::chrono::seconds retry_after) {
    return {ErrorCode::hook_unavailable,
            fmt::format("the app's {} hook gave no verdict: {}", to_string(hook), why),
            {},
            retry_after};
}

void describe(tracing::Span& span, const Call& asked, const Question& question,
              const Result<Verdict>& verdict) {
    if (!span.recording()) return;
    span.set("photogate.hook", to_string(asked.hook));
    span.set("photogate.app", asked.app.str());
    span.set("photogate.upload.id", question.upload);
    if (verdict) span.set("photogate.hook.verdict", verdict->allows() ? "allowed" : "refused");
}

}  // namespace

HookCaller::Counts::Counts(telemetry::Metrics& metrics, Hook hook)
    : allowed(calls(metrics, hook, "allowed")),
      refused(calls(metrics, hook, "refused")),
      failed(calls(metrics, hook, "failed")),
      away(calls(metrics, hook, "away")),
      open(metrics.counter(
          {"photogate_hook_passed_open_total",
           "Grants and publications that went on without a verdict, as on_failure = \"open\" says.",
           {{"hook", std::string{to_string(hook)}}}})),
      seconds(metrics.histogram({"photogate_hook_call_seconds",
                                 "How long a hook took to answer.",
                                 {{"hook", std::string{to_string(hook)}}}},
                                telemetry::request_buckets())) {}

HookCaller::HookCaller(http::HttpClient& client, const Clock& clock, telemetry::Metrics& metrics)
    : http_(client),
      clock_(clock),
      grants_(metrics, Hook::before_grant),
      publications_(metrics, Hook::before_publish) {}

Breaker& HookCaller::breaker(const std::string& url) {
    const std::lock_guard lock{mutex_};
    auto& found = breakers_[url];
    if (!found) found = std::make_unique<Breaker>(Breaker::Options{.trial = std::chrono::seconds{45}});
    return *found;
}

std::optional<Error> HookCaller::away(Hook hook, const std::string& url) {
    const auto wait = breaker(url).enter(Steady::now());
    if (!wait) return std::nullopt;
    counts(hook).away.add();
    return no_verdict(hook, "it failed before, and is tried again shortly",
                      std::chrono::ceil<std::chrono::seconds>(*wait));
}

Breaker::State HookCaller::state(const std::string& url) {
    return breaker(url).state(Steady::now());
}

Result<Verdict> HookCaller::ask(const Call& asked, const Question& question) {
    const auto started = Steady::now();
    // A job asks on its own thread, within its span; a request that waits for the verdict is on another.
    tracing::Span span = tracing::current_trace_id().empty()
                             ? tracing::Span{"hook", tracing::Kind::client, question.traceparent}
                             : tracing::Span{"hook", tracing::Kind::client};
    std::string cause;
    auto verdict = call(asked, question, span, cause);
    describe(span, asked, question, verdict);
    const auto took = Steady::now() - started;
    auto& counted = counts(asked.hook);
    counted.seconds.observe(telemetry::seconds(took));
    if (verdict) {
        breaker(asked.url).succeeded();
        (verdict->allows() ? counted.allowed : counted.refused).add();
        return verdict;
    }
    breaker(asked.url).failed(Steady::now());
    counted.failed.add();
    log::warn("hook.failed", {{"hook", to_string(asked.hook)},
                              {"app", asked.app.str()},
                              {"url", without_query(asked.url)},
                              {"id", question.id},
                              {"detail", cause.empty() ? verdict.error().detail : cause},
                              {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
    return verdict;
}

Result<Verdict> HookCaller::call(const Call& asked, const Question& question, tracing::Span& span,
                                 std::string& cause) {
    if (asked.secrets.empty()) {
        span.fail(to_string(ErrorCode::hook_unavailable));
        return fail(no_verdict(asked.hook, "the app has no secret to sign with", kRetryAfter));
    }
    const auto now = clock_.now();
    http::Request request;
    request.method = "POST";
    request.url = asked.url;
    request.headers = {
        {"Content-Type", "application/json"},
        {"Accept", "application/json"},
        {"User-Agent", kUserAgent},
        {"webhook-id", question.id},
        {"webhook-timestamp",
         fmt::format("{}", std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count())},
        {"webhook-signature", signer::sign_webhook(question.id, now, question.body, asked.secrets)}};
    // Not signed: what is between us and the hook may put its own span there.
    if (const auto trace = span.recording() ? span.traceparent() : question.traceparent) {
        request.headers.push_back({"traceparent", *trace});
        if (question.tracestate) request.headers.push_back({"tracestate", *question.tracestate});
    }
    request.body = question.body;
    request.connect_timeout = std::min(kConnectTimeout, asked.timeout);
    request.first_byte_timeout = asked.timeout;
    request.stall_bytes_per_second = 1;
    request.total_timeout = asked.timeout;
    request.max_response_body = kMostVerdictBytes;
    const auto answer = http_.send(request);
    callbacks::describe_post(span, asked.url, answer);
    if (!answer) {
        cause = answer.error().detail;
        const auto code = answer.error().code;
        span.fail(to_string(code));
        // The one that is about the store's answers elsewhere.
        const auto why = code == ErrorCode::store_protocol ? "its answer is too long" : in_sentence(code);
        return fail(no_verdict(asked.hook, why, kRetryAfter));
    }
    if (answer->status != kOk) {
        span.fail(fmt::format("{}", answer->status));
        const auto* wished = answer->header("Retry-After");
        const auto after = wished ? http::parse_retry_after(*wished, now) : std::nullopt;
        return fail(no_verdict(asked.hook, fmt::format("it answered with status {}", answer->status),
                               after.value_or(kRetryAfter)));
    }
    auto verdict = read_verdict(answer->body);
    if (!verdict) {
        span.fail(to_string(ErrorCode::hook_unavailable));
        return fail(no_verdict(asked.hook, verdict.error().detail, kRetryAfter));
    }
    return verdict;
}

void HookCaller::passed_open(Hook hook) {
    counts(hook).open.add();
}

}  // namespace photogate::notifier::gates
