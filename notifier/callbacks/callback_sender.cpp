#include "notifier/callbacks/callback_sender.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "base/log_context.hpp"
#include "base/text.hpp"
#include "base/tracing/tracing.hpp"
#include "base/version.hpp"
#include "notifier/callbacks/callback_queue.hpp"
#include "notifier/callbacks/client_span.hpp"

namespace photogate::notifier::callbacks {
namespace {

namespace http = storage::http;
namespace records = storage::records;
using SteadyClock = std::chrono::steady_clock;
using Verdict = model::CallbackAttempt::Verdict;

constexpr std::uint64_t kMostAnswerBytes = 16U << 10;
constexpr std::chrono::milliseconds kConnectTimeout{3'000};
/// After a claim that failed, and between wake-ups that come without a wait.
constexpr std::chrono::milliseconds kPause{200};

/// Callbacks that go out in one request: one, or the purges of several images by one hook.
using Batch = std::vector<model::Callback>;

std::string word(const std::optional<int>& status) {
    return status ? fmt::format("{}", *status) : std::string{"none"};
}

void describe(tracing::Span& span, const model::Callback& callback, const Result<http::Response>& answer) {
    if (!span.recording()) return;
    describe_post(span, callback.url, answer);
    if (callback.attempts > 0) span.set("http.request.resend_count", std::int64_t{callback.attempts});
    span.set("photogate.callback.id", callback.id.str());
    span.set("photogate.callback.type", model::to_string(callback.type));
    span.set("photogate.app", callback.app.str());
    if (!callback.package) span.set("photogate.upload.id", callback.upload.str());
    if (!answer) return span.fail(to_string(answer.error().code));
    if (answer->status >= 400) span.fail(word(answer->status));
}

}  // namespace

struct CallbackSender::State {
    State(SenderOptions given, records::Outbox& the_outbox, http::HttpClient& client, SecretsOf secrets_of,
          const Clock& the_clock, Random& the_random, AttemptObserver the_observer,
          purges::PurgeHooks the_hooks)
        : options(given),
          outbox(the_outbox),
          outbound(client),
          secrets(std::move(secrets_of)),
          clock(the_clock),
          random(the_random),
          observer(std::move(the_observer)),
          hooks(std::move(the_hooks)),
          queue({.per_url = std::max<std::size_t>(1, given.per_url),
                 .startable_for = given.lease - given.timeout - kConnectTimeout,
                 .per_second = given.per_second,
                 .slow_at_once = std::max<std::size_t>(1, given.senders / 2)}) {}

    void wake_loop();
    void claim_loop();
    void send_loop();
    /// True where something was claimed that can start.
    bool claim(std::size_t free_senders);
    std::optional<Batch> next_batch();
    /// null: a callback of an app, or a purge of a hook that is not configured any more.
    const purges::PurgeHook* hook_of(const model::Callback& callback) const;
    /// An attempt for each, in their order.
    std::vector<model::CallbackAttempt> deliver(const Batch& batch);
    struct Sent {
        Result<http::Response> answer;
        Taken taken = Taken::by_status;
        std::string_view failing;  ///< what is missing here, so that nothing was sent
    };
    Sent send_callback(const model::Callback& callback, Timestamp now);
    Sent send_purges(const purges::PurgeHook& hook, const Batch& batch, Timestamp now);
    http::Request bounded(http::Request request) const;
    void finish(const model::Callback& callback, model::CallbackAttempt attempt);
    void tell(const model::Callback& callback, const model::CallbackAttempt& attempt) const;

    const SenderOptions options;
    records::Outbox& outbox;
    http::HttpClient& outbound;
    const SecretsOf secrets;
    const Clock& clock;
    Random& random;
    const AttemptObserver observer;
    const purges::PurgeHooks hooks;

    std::mutex mutex;                   ///< over everything below, and over `random`
    std::condition_variable startable;  ///< for the senders
    std::condition_variable changed;    ///< for everybody else
    CallbackQueue queue;
    bool stopping = false;
    bool maybe_due = true;       ///< a wake-up or the poll came since the last claim
    bool progressed = false;     ///< an attempt was recorded since the last claim
    std::size_t unrecorded = 0;  ///< attempts whose record_attempt() has not called back

    std::atomic<std::uint64_t> delivered{0}, failed{0}, dead{0};
};

CallbackSender::CallbackSender(SenderOptions options, records::Outbox& outbox, http::HttpClient& http,
                               SecretsOf secrets, const Clock& clock, Random& random,
                               AttemptObserver observer, purges::PurgeHooks hooks)
    : state_(std::make_unique<State>(options, outbox, http, std::move(secrets), clock, random,
                                     std::move(observer), std::move(hooks))) {}

CallbackSender::~CallbackSender() = default;

void CallbackSender::run() {
    std::vector<std::jthread> threads;
    threads.reserve(state_->options.senders + 1);
    threads.emplace_back([this] { state_->wake_loop(); });
    for (std::size_t i = 0; i < state_->options.senders; ++i)
        threads.emplace_back([this] { state_->send_loop(); });
    state_->claim_loop();
    threads.clear();  // joins
    std::unique_lock lock{state_->mutex};
    state_->changed.wait(lock, [this] { return state_->unrecorded == 0; });
}

void CallbackSender::stop() {
    const std::lock_guard lock{state_->mutex};
    state_->stopping = true;
    state_->changed.notify_all();
    state_->startable.notify_all();
}

CallbackSender::Counters CallbackSender::counters() const {
    return {state_->delivered, state_->failed, state_->dead};
}

void CallbackSender::State::wake_loop() {
    for (;;) {
        const auto asked = SteadyClock::now();
        outbox.wait_for_callbacks(options.poll);
        std::unique_lock lock{mutex};
        maybe_due = true;
        changed.notify_all();
        // While the database shuts down its waits end at once; without a pause this would spin.
        const auto pause =
            SteadyClock::now() - asked < std::chrono::milliseconds{1} ? kPause : std::chrono::milliseconds{0};
        if (changed.wait_for(lock, pause, [this] { return stopping; })) return;
    }
}

void CallbackSender::State::claim_loop() {
    for (;;) {
        std::size_t free = 0;
        {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] {
                if (stopping) return true;
                free = options.senders - std::min(options.senders, queue.under_way());
                return free > 0 && (maybe_due || progressed) && !queue.can_start(SteadyClock::now());
            });
            if (stopping) return;
            maybe_due = false;
            progressed = false;
        }
        bool brought = false;
        try {
            brought = claim(free);
        } catch (const std::exception& error) {
            log::error("callback.claim_failed", {{"reason", error.what()}});
        }
        const std::lock_guard lock{mutex};
        if (brought) startable.notify_all();
    }
}

bool CallbackSender::State::claim(std::size_t free_senders) {
    // One URL's share more than there are senders: a URL that is over its share can then not crowd the others
    // out of the claim.
    const auto claimed_at = SteadyClock::now();
    auto claimed = outbox.claim(free_senders + options.per_url, options.per_url, options.lease);
    if (claimed && !claimed->empty()) failpoint::pass(failpoint::Point::after_callback_claim);
    std::unique_lock lock{mutex};
    if (!claimed) {
        log::warn("callback.claim_failed", {{"code", to_string(claimed.error().code)}});
        changed.wait_for(lock, kPause, [this] { return stopping; });
        return false;
    }
    queue.add(std::move(*claimed), claimed_at);
    return queue.can_start(claimed_at);
}

std::optional<Batch> CallbackSender::State::next_batch() {
    std::unique_lock lock{mutex};
    Batch batch;
    for (;;) {
        if (stopping) return std::nullopt;
        const auto now = SteadyClock::now();
        if (auto first = queue.start(now)) {
            batch.push_back(std::move(*first));
            const auto* hook = hook_of(batch.front());
            while (hook && batch.size() < purges::most_images(*hook)) {
                auto more = queue.start_with(batch.front().endpoint(), now);
                if (!more) break;
                batch.push_back(std::move(*more));
            }
            break;
        }
        if (const auto at = queue.next_start(now)) {
            startable.wait_until(lock, *at);
        } else {
            startable.wait(lock);
        }
    }
    changed.notify_all();
    // Somebody must watch for the next start that waits for its rate.
    if (queue.next_start(SteadyClock::now())) startable.notify_one();
    return batch;
}

void CallbackSender::State::send_loop() {
    while (const auto batch = next_batch()) {
        std::vector<model::CallbackAttempt> attempts;
        const auto started = SteadyClock::now();
        try {
            attempts = deliver(*batch);
        } catch (const std::exception& error) {
            // Not judged, so not recorded: the lease runs out and it is tried again.
            log::error("callback.attempt_failed",
                       {{"callback", batch->front().id.str()}, {"reason", error.what()}});
        }
        const bool success = !attempts.empty() && attempts.front().verdict == Verdict::delivered;
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
        {
            const std::lock_guard lock{mutex};
            for (const auto& callback : *batch)
                queue.finished(callback.endpoint(),
                               success ? CallbackQueue::Outcome::success : CallbackQueue::Outcome::failure,
                               took);
            unrecorded += attempts.size();
            changed.notify_all();
            startable.notify_all();
        }
        for (std::size_t i = 0; i < attempts.size(); ++i)
            finish((*batch)[i], std::move(attempts[i]));
    }
}

const purges::PurgeHook* CallbackSender::State::hook_of(const model::Callback& callback) const {
    const auto name = model::hook_of(callback.app);
    const auto found = name ? hooks.find(std::string{*name}) : hooks.end();
    return found == hooks.end() ? nullptr : &found->second;
}

http::Request CallbackSender::State::bounded(http::Request request) const {
    request.headers.push_back({"User-Agent", kUserAgent});
    request.connect_timeout = std::min(kConnectTimeout, options.timeout);
    request.first_byte_timeout = options.timeout;
    request.stall_bytes_per_second = 1;
    request.total_timeout = options.timeout;
    request.max_response_body = kMostAnswerBytes;
    request.cut_long_body = true;
    return request;
}

CallbackSender::State::Sent CallbackSender::State::send_callback(const model::Callback& callback,
                                                                 Timestamp now) {
    const auto keys = secrets(callback.app);
    if (keys.empty())
        return {fail(ErrorCode::invalid_configuration, "the app has no secret to sign with"),
                Taken::by_status, "no_secret"};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    http::Request request;
    request.method = "POST";
    request.url = callback.url;
    request.headers = {
        {"Content-Type", "application/json"},
        {"webhook-id", callback.id.str()},
        {"webhook-timestamp", fmt::format("{}", seconds)},
        {"webhook-signature", signer::sign_webhook(callback.id.str(), now, callback.body, keys)}};
    request.body = callback.body;
    tracing::Span span{"POST", tracing::Kind::client, callback.traceparent};
    // Not signed: what is between us and the receiver may put its own span there.
    if (const auto trace = span.recording() ? span.traceparent() : callback.traceparent) {
        request.headers.push_back({"traceparent", *trace});
        if (callback.tracestate) request.headers.push_back({"tracestate", *callback.tracestate});
    }
    auto answer = outbound.send(bounded(std::move(request)));
    describe(span, callback, answer);
    return {std::move(answer), Taken::by_status, {}};
}

CallbackSender::State::Sent CallbackSender::State::send_purges(const purges::PurgeHook& hook,
                                                               const Batch& batch, Timestamp now) {
    std::vector<PublicId> images;
    for (const auto& callback : batch)
        images.push_back(PublicId::trusted(callback.body));
    const auto& first = batch.front();
    auto request =
        purges::purge_request(hook, images, fmt::format("{}-{}", first.id.str(), first.attempts), now);
    if (!request) return {fail(std::move(request.error())), Taken::no, "no_hook"};
    auto answer = outbound.send(bounded(std::move(*request)));
    const bool taken = answer && purges::is_taken(hook, *answer);
    return {std::move(answer), taken ? Taken::yes : Taken::no, {}};
}

std::vector<model::CallbackAttempt> CallbackSender::State::deliver(const Batch& batch) {
    const auto now = clock.now();
    const auto started = SteadyClock::now();
    const auto& first = batch.front();
    Sent sent;
    if (const auto* hook = hook_of(first)) {
        sent = send_purges(*hook, batch, now);
    } else if (model::hook_of(first.app)) {
        sent = {fail(ErrorCode::invalid_configuration, "the hook is not configured any more"), Taken::no,
                "no_hook"};
    } else {
        sent = send_callback(first, now);
    }
    failpoint::pass(failpoint::Point::after_callback_answer);
    const auto latency = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - started);
    std::vector<model::CallbackAttempt> attempts;
    const std::lock_guard lock{mutex};
    for (const auto& callback : batch) {
        auto& attempt =
            attempts.emplace_back(judge_answer(callback, sent.answer, clock.now(), random, sent.taken));
        attempt.latency = latency;
        if (!sent.failing.empty()) attempt.error = sent.failing;
    }
    return attempts;
}

void CallbackSender::State::finish(const model::Callback& callback, model::CallbackAttempt attempt) {
    tell(callback, attempt);
    if (observer) observer(attempt);
    switch (attempt.verdict) {
        case Verdict::delivered:
            ++delivered;
            break;
        case Verdict::again:
            ++failed;
            break;
        case Verdict::dead:
            ++dead;
            break;
    }
    const auto recorded = [this, id = callback.id](const Result<>& result) {
        if (!result) {
            log::warn("callback.not_recorded",
                      {{"callback", id.str()}, {"code", to_string(result.error().code)}});
        }
        const std::lock_guard lock{mutex};
        --unrecorded;
        progressed = true;  // its lease is given back, so its URL has room again
        changed.notify_all();
    };
    try {
        outbox.record_attempt(std::move(attempt), recorded);
    } catch (const std::exception&) {
        recorded(fail(ErrorCode::internal, {}));
    }
}

void CallbackSender::State::tell(const model::Callback& callback,
                                 const model::CallbackAttempt& attempt) const {
    const auto context = tracing::parse_traceparent(callback.traceparent.value_or(std::string{}));
    const auto trace_id = context ? tracing::hex(context->trace) : std::string{};
    log::set_trace_id(trace_id);
    const auto write = [&](log::Level level, std::string_view event) {
        log::write(level, event,
                   {{"callback", callback.id.str()},
                    {"type", model::to_string(callback.type)},
                    {callback.package ? "package" : "upload",
                     callback.package ? callback.package->str() : callback.upload.str()},
                    {"app", callback.app.str()},
                    {"url", without_query(callback.url)},
                    {"attempt", callback.attempts + 1},
                    {"status", word(attempt.status)},
                    {"error", attempt.error.empty() ? std::string{"none"} : attempt.error},
                    {"ms", attempt.latency.count()}});
    };
    switch (attempt.verdict) {
        case Verdict::delivered:
            write(log::Level::info, "callback.delivered");
            break;
        case Verdict::again:
            write(attempt.pause_endpoint ? log::Level::error : log::Level::warn,
                  attempt.pause_endpoint ? "callback.endpoint_paused" : "callback.failed");
            break;
        case Verdict::dead:
            write(log::Level::error, "callback.dead");
            break;
    }
    log::set_trace_id({});
}

}  // namespace photogate::notifier::callbacks
