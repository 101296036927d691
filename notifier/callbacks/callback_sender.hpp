// Outbox to signed POST: delivers callbacks at least once, on the Standard Webhooks schedule.
//
// A delivery is done by any 2xx within 15 s. Redirects are failures and not followed; 410 pauses the URL;
// Retry-After is honoured between 1 s and 1 h; the answer is read to 16 KiB and its first 1 KiB kept. After
// the last attempt the callback is dead, which is visible and can be replayed. One slow receiver cannot hold
// the others: each URL has a share of the senders.
//
// A URL that failed is tried by one sender at a time; each success doubles that, up to its share. One that
// fails ten times in a row is left alone by all gateways for a while (records' callback_breaker.hpp) and
// comes back by steps: a receiver that is back is not met by its whole backlog at once. URLs whose last
// delivery was slow have half of the senders between them. Senders wait on the network with at most `lease`
// behind them: what could not be started in time is left to its lease and claimed again. An attempt that was
// made but could not be recorded is made again: at least once.
//
// Purges of caches (purge_hook.hpp) are rows of the same outbox: they are sent by their hook, several images in one
// request, and are otherwise treated as callbacks.
//
// Thread safety: run() on its own thread; stop() and counters() from any.
// Source: standard-webhooks/spec/standard-webhooks.md.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "notifier/purges/purge_hook.hpp"
#include "signer/webhook_signature.hpp"
#include "storage/http/http_client.hpp"
#include "storage/records/outbox.hpp"

namespace photogate::notifier::callbacks {

/// 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: the wait before the next attempt, without jitter.
std::chrono::seconds retry_delay(std::uint32_t attempts_made);
inline constexpr std::uint32_t kMostAttempts = 10;

struct SenderOptions {
    std::size_t senders = 16;    ///< deliveries under way at once
    std::size_t per_url = 8;     ///< of these, for one URL; over all gateways
    std::size_t per_second = 0;  ///< begun to one URL by this sender; 0: any number
    std::chrono::milliseconds timeout{15'000};
    /// How long a claimed callback is this sender's; longer than an attempt may take, or none could begin. A
    /// sender that dies leaves its callbacks to the others when this has passed.
    std::chrono::seconds lease{28};
    std::chrono::milliseconds poll{1'000};
};

/// The secrets that sign for an app: the newest first, several while one is being rotated.
using SecretsOf = std::function<std::vector<signer::WebhookSecret>(const AppName&)>;

/// Sees each attempt as it is judged, for counting. Called from several threads at once.
using AttemptObserver = std::function<void(const model::CallbackAttempt&)>;

/// What one answer means; pure. `callback.attempts` were made before this one.
///
/// 2xx: delivered. 410: the URL is paused. Everything else: again on the schedule with a jitter of 20 %
/// either way, or dead after the tenth attempt. Retry-After of a 429, 502, 503 or 504, in seconds or as a
/// date, is taken exactly between 1 s and 1 h (what is negative, past or garbage is ignored); from the sixth
/// attempt on it is never sooner than the schedule, so that a receiver which always says "in a second" does
/// not use up the attempts in a minute. The latency is left at 0 where no answer came.
///
/// Of a purge the hook says whether an answer is a success, and 410 pauses nothing.
enum class Taken { by_status, yes, no };
model::CallbackAttempt judge_answer(const model::Callback& callback,
                                    const Result<storage::http::Response>& answer, Timestamp now,
                                    Random& random, Taken taken = Taken::by_status);

class CallbackSender {
  public:
    /// All references outlive the sender. `http` was made with the AddressGuard.
    CallbackSender(SenderOptions options, storage::records::Outbox& outbox, storage::http::HttpClient& http,
                   SecretsOf secrets, const Clock& clock, Random& random, AttemptObserver observer = {},
                   purges::PurgeHooks hooks = {});
    ~CallbackSender();
    CallbackSender(const CallbackSender&) = delete;
    CallbackSender& operator=(const CallbackSender&) = delete;

    /// Until stop(): deliveries under way are finished and recorded, those only claimed are left to their
    /// lease. Returns within `timeout` (or `poll`, whichever is longer) after stop().
    void run();
    void stop();

    struct Counters {
        std::uint64_t delivered = 0;
        std::uint64_t failed = 0;
        std::uint64_t dead = 0;
    };
    Counters counters() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::notifier::callbacks
