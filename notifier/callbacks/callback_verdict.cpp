#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "notifier/callbacks/callback_sender.hpp"
#include "storage/http/retry_after.hpp"

namespace photogate::notifier::callbacks {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::seconds;
using Attempt = model::CallbackAttempt;

constexpr std::array<seconds, kMostAttempts> kSchedule = {0s, 5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h};
/// Up to this attempt a Retry-After may be sooner than the schedule.
constexpr std::uint32_t kTrustedAttempts = 5;
constexpr std::size_t kKeptAnswer = 1'024;

/// The class that an app may see; the error's own text stays inside.
std::string error_class(ErrorCode code) {
    if (code == ErrorCode::http_dns) return "dns";
    if (code == ErrorCode::http_tls) return "tls";
    if (code == ErrorCode::http_timeout) return "timeout";
    if (code == ErrorCode::http_blocked) return "blocked";
    return "connect";
}

bool honours_retry_after(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

std::optional<seconds> retry_after(const storage::http::Response& response, Timestamp now) {
    const auto* header = response.header("Retry-After");
    if (!header || !honours_retry_after(response.status)) return std::nullopt;
    return storage::http::parse_retry_after(trim(*header), now);
}

microseconds with_jitter(seconds delay, Random& random) {
    const auto fifth = static_cast<std::uint64_t>(microseconds{delay}.count()) / 5;
    if (fifth == 0) return delay;
    return microseconds{delay} - microseconds{fifth} + microseconds{random.below(2 * fifth + 1)};
}

/// Text that a database keeps and a page shows: UTF-8, no NUL, 1 KiB at the most.
std::string kept(std::string_view body) {
    auto text = to_valid_utf8(body.substr(0, kKeptAnswer));
    std::replace(text.begin(), text.end(), '\0', ' ');
    if (text.size() > kKeptAnswer) {
        std::size_t end = kKeptAnswer;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
            --end;
        text.resize(end);
    }
    return text;
}

}  // namespace

seconds retry_delay(std::uint32_t attempts_made) {
    return kSchedule[std::min<std::size_t>(attempts_made, kSchedule.size() - 1)];
}

Attempt judge_answer(const model::Callback& callback, const Result<storage::http::Response>& answer,
                     Timestamp now, Random& random, Taken taken) {
    Attempt attempt;
    attempt.callback = callback.id;
    attempt.lease_token = callback.lease_token;
    attempt.endpoint = callback.endpoint();
    attempt.at = now;

    std::optional<seconds> asked_for;
    if (answer) {
        attempt.status = answer->status;
        attempt.latency = std::chrono::duration_cast<std::chrono::milliseconds>(answer->elapsed);
        const bool good = answer->status >= 200 && answer->status < 300;
        const bool delivered = taken == Taken::by_status ? good : taken == Taken::yes;
        // Whoever may name a URL could read with it what a service of the operator's network answers, so no
        // more is kept than finding a failure's cause needs.
        if (!delivered) attempt.answer = kept(answer->body);
        if (delivered) {
            attempt.verdict = Attempt::Verdict::delivered;
            return attempt;
        }
        attempt.error = "status";
        attempt.pause_endpoint = answer->status == 410 && taken == Taken::by_status;
        asked_for = retry_after(*answer, now);
    } else {
        attempt.error = error_class(answer.error().code);
    }

    const auto made = callback.attempts + 1;
    if (made >= kMostAttempts && !attempt.pause_endpoint) {
        attempt.verdict = Attempt::Verdict::dead;
        return attempt;
    }
    attempt.verdict = Attempt::Verdict::again;
    auto delay = with_jitter(retry_delay(made), random);
    if (asked_for)
        delay =
            made <= kTrustedAttempts ? microseconds{*asked_for} : std::max(delay, microseconds{*asked_for});
    attempt.next_attempt_at = now + delay;
    return attempt;
}

}  // namespace photogate::notifier::callbacks
