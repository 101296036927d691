// Calls an app's hook and reads its verdict: one signed POST within a bounded time, answered by a bounded JSON.
//
// Signed as callbacks are (Standard Webhooks), sent through the client that has the guard of callbacks, no redirect is
// followed. What is no verdict (another status than 200, no JSON, too many bytes, too late) is neither yes nor no:
// hook_unavailable. A hook that failed three times in a row is left alone for a second, then for longer, up to half a
// minute: it is tried by one caller, and the others are told at once that there is no verdict.
//
// A call is a span of the upload's trace, and carries it on as `traceparent`, which is not part of the signature.
//
// Thread safety: any thread. Errors: hook_unavailable, with `retry_after`; the detail names no host, as clients see it.
// The log and the metrics say which hook fails, and how.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/breaker.hpp"
#include "base/telemetry/metrics.hpp"
#include "base/time.hpp"
#include "base/tracing/tracing.hpp"
#include "model/policy/profile.hpp"
#include "notifier/gates/question.hpp"
#include "notifier/gates/verdict.hpp"
#include "signer/webhook_signature.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::notifier::gates {

struct Call {
    Hook hook = Hook::before_grant;
    const std::string& url;
    std::chrono::milliseconds timeout;
    const AppName& app;
    const std::vector<signer::WebhookSecret>& secrets;  ///< the app's
};

class HookCaller {
  public:
    /// All outlive this. `http` was made with the guard of callbacks.
    HookCaller(storage::http::HttpClient& http, const Clock& clock, telemetry::Metrics& metrics);

    /// Where the hook is left alone: the error that says so. Otherwise the caller calls it before long.
    std::optional<Error> away(Hook hook, const std::string& url);
    /// Whether it is left alone now; nobody is let through by asking.
    bool is_left_alone(const std::string& url) { return state(url) == Breaker::State::open; }
    Breaker::State state(const std::string& url);
    /// Calls it, also where away() was not asked.
    Result<Verdict> ask(const Call& call, const Question& question);
    /// Somebody goes on without a verdict, as `on_failure = "open"` says; counted.
    void passed_open(Hook hook);

  private:
    /// What is counted of one hook.
    struct Counts {
        Counts(telemetry::Metrics& metrics, Hook hook);
        telemetry::Counter allowed, refused, failed, away, open;
        telemetry::Histogram seconds;
    };
    Counts& counts(Hook hook) { return hook == Hook::before_grant ? grants_ : publications_; }
    Breaker& breaker(const std::string& url);
    /// `cause`: what the log says of it, and nobody else is told.
    Result<Verdict> call(const Call& call, const Question& question, tracing::Span& span, std::string& cause);

    storage::http::HttpClient& http_;
    const Clock& clock_;
    Counts grants_;
    Counts publications_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Breaker>> breakers_;  ///< by URL: those of the configuration
};

}  // namespace photogate::notifier::gates
