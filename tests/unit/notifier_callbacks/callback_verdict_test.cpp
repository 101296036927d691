#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "notifier/callbacks/callback_sender.hpp"

namespace photogate::notifier::callbacks {
namespace {

using namespace std::chrono_literals;
using model::Callback;
using model::CallbackAttempt;
using storage::http::Response;
using Verdict = CallbackAttempt::Verdict;

const Timestamp kNow = *parse_http_date("Fri, 20 Nov 2026 12:00:00 GMT");

Callback callback(std::uint32_t attempts = 0) {
    Callback out;
    out.id = CallbackId::trusted("msg_1");
    out.url = "https://app.example/hook";
    out.attempts = attempts;
    out.lease_token = "token";
    return out;
}

CallbackAttempt judge(const Result<Response>& answer, std::uint32_t attempts = 0, std::uint64_t seed = 1) {
    SeededRandom random{seed};
    return judge_answer(callback(attempts), answer, kNow, random);
}
CallbackAttempt judge(int status, const char* retry_after = nullptr, std::uint32_t attempts = 0) {
    Response response{.status = status, .headers = {}, .body = "said", .elapsed = 12'345us};
    if (retry_after) response.headers.push_back({"retry-after", retry_after});
    return judge(Result<Response>{response}, attempts);
}

TEST(CallbackVerdict, follows_standard_webhooks_schedule) {
    const std::chrono::seconds expected[] = {0s, 5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h};
    for (std::uint32_t i = 0; i < 10; ++i)
        EXPECT_EQ(retry_delay(i), expected[i]);
    EXPECT_EQ(retry_delay(4'000'000'000U), 24h);
}

TEST(CallbackVerdict, treats_any_2xx_as_delivered) {
    for (int status : {200, 201, 202, 204, 206, 299}) {
        const auto attempt = judge(status, "120", 9);
        EXPECT_EQ(attempt.verdict, Verdict::delivered);
        EXPECT_EQ(attempt.status, status);
        EXPECT_EQ(attempt.error, "");
        EXPECT_EQ(attempt.answer, "") << "a success needs no explanation";
        EXPECT_EQ(attempt.latency, 12ms);
        EXPECT_EQ(attempt.next_attempt_at, std::nullopt);
        EXPECT_EQ(attempt.lease_token, "token");
        EXPECT_EQ(attempt.callback.str(), "msg_1");
        EXPECT_EQ(attempt.endpoint.url, "https://app.example/hook");
        EXPECT_EQ(attempt.at, kNow);
    }
}

TEST(CallbackVerdict, a_hook_says_what_is_a_success) {
    SeededRandom random{1};
    const auto judged = [&](int status, Taken taken) {
        return judge_answer(callback(),
                            Response{.status = status, .headers = {}, .body = "said", .elapsed = {}}, kNow,
                            random, taken);
    };
    EXPECT_EQ(judged(404, Taken::yes).verdict, Verdict::delivered);
    EXPECT_EQ(judged(404, Taken::yes).status, 404);
    const auto refused = judged(200, Taken::no);
    EXPECT_EQ(refused.verdict, Verdict::again);
    EXPECT_EQ(refused.error, "status");
    EXPECT_EQ(refused.answer, "said");
    EXPECT_FALSE(judged(410, Taken::no).pause_endpoint);
    EXPECT_TRUE(judged(410, Taken::by_status).pause_endpoint);
}

TEST(CallbackVerdict, retries_everything_else_on_schedule_with_jitter) {
    for (int status :
         {100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503, 504, 599, 999}) {
        for (std::uint32_t attempts = 0; attempts + 1 < kMostAttempts; ++attempts) {
            const auto attempt = judge(status, nullptr, attempts);
            ASSERT_EQ(attempt.verdict, Verdict::again);
            EXPECT_EQ(attempt.error, "status");
            EXPECT_FALSE(attempt.pause_endpoint);
            const auto wait = *attempt.next_attempt_at - kNow;
            EXPECT_GE(wait * 5, retry_delay(attempts + 1) * 4);
            EXPECT_LE(wait * 5, retry_delay(attempts + 1) * 6);
        }
    }
}

TEST(CallbackVerdict, spreads_jitter_to_both_ends) {
    std::chrono::microseconds least = 1h, most = 0s;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto wait = *judge(Result<Response>{Response{.status = 500}}, 1, seed).next_attempt_at - kNow;
        least = std::min(least, wait);
        most = std::max(most, wait);
    }
    EXPECT_LT(least, 250s);
    EXPECT_GT(most, 350s);
}

TEST(CallbackVerdict, gives_up_at_the_tenth_failure) {
    EXPECT_EQ(judge(500, nullptr, 8).verdict, Verdict::again);
    EXPECT_EQ(judge(500, nullptr, 9).verdict, Verdict::dead);
    EXPECT_EQ(judge(503, "120", 9).verdict, Verdict::dead);
    EXPECT_EQ(judge(fail(ErrorCode::http_timeout, ""), 9).verdict, Verdict::dead);
    EXPECT_EQ(judge(500, nullptr, 9).next_attempt_at, std::nullopt);
    EXPECT_EQ(judge(200, nullptr, 12).verdict, Verdict::delivered);
}

TEST(CallbackVerdict, pauses_url_and_keeps_callback_on_410) {
    for (std::uint32_t attempts : {0U, 9U, 20U}) {
        const auto attempt = judge(410, nullptr, attempts);
        EXPECT_TRUE(attempt.pause_endpoint);
        EXPECT_EQ(attempt.verdict, Verdict::again);
    }
}

TEST(CallbackVerdict, honours_retry_after_between_a_second_and_an_hour) {
    const std::pair<const char*, std::chrono::seconds> table[] = {
        {"120", 120s},
        {"1", 1s},
        {"0", 1s},
        {"3600", 3600s},
        {"3601", 3600s},
        {"1000000000", 3600s},
        {"99999999999999999999999999", 3600s},
        {" 7 ", 7s},
        {"Fri, 20 Nov 2026 12:02:00 GMT", 120s},
        {"Fri, 20 Nov 2026 12:00:01 GMT", 1s},
        {"Sat, 20 Nov 2027 12:00:00 GMT", 3600s},
    };
    for (int status : {429, 502, 503, 504}) {
        for (const auto& [said, wait] : table)
            EXPECT_EQ(*judge(status, said).next_attempt_at - kNow, wait) << said;
    }
}

TEST(CallbackVerdict, ignores_invalid_or_misplaced_retry_after) {
    for (const char* said :
         {"-5", "", " ", "soon", "1.5", "+5", "0x10", "5s", "12 0", "Fri, 20 Nov 2026 11:59:59 GMT",
          "Fri, 20 Nov 2026 12:00:00 GMT", "Fri, 99 Nov 2026 12:00:00 GMT", "2026-11-20T12:02:00Z"}) {
        const auto wait = *judge(503, said, 1).next_attempt_at - kNow;
        EXPECT_GE(wait, 240s) << said;
        EXPECT_LE(wait, 360s) << said;
    }
    for (int status : {301, 400, 404, 500, 501})
        EXPECT_GE(*judge(status, "1", 1).next_attempt_at - kNow, 240s) << status;
}

TEST(CallbackVerdict, does_not_exhaust_attempts_for_constant_retry_after) {
    for (std::uint32_t made = 0; made < 5; ++made)
        EXPECT_EQ(*judge(429, "1", made).next_attempt_at - kNow, 1s);
    for (std::uint32_t made = 5; made < 9; ++made)
        EXPECT_GE(*judge(429, "1", made).next_attempt_at - kNow, 8h);
}

TEST(CallbackVerdict, reports_errors_as_classes) {
    const std::pair<ErrorCode, const char*> table[] = {
        {ErrorCode::http_dns, "dns"},         {ErrorCode::http_connect, "connect"},
        {ErrorCode::http_tls, "tls"},         {ErrorCode::http_timeout, "timeout"},
        {ErrorCode::http_blocked, "blocked"}, {ErrorCode::http_broken, "connect"},
        {ErrorCode::internal, "connect"},
    };
    for (const auto& [code, word] : table) {
        const auto attempt = judge(fail(code, "10.0.0.1 port 443: internals"));
        EXPECT_EQ(attempt.verdict, Verdict::again);
        EXPECT_EQ(attempt.error, word);
        EXPECT_EQ(attempt.status, std::nullopt);
        EXPECT_EQ(attempt.answer, "");
    }
}

TEST(CallbackVerdict, keeps_one_kilobyte_of_storable_response_text) {
    const auto kept = [](std::string body) {
        return judge(Result<Response>{Response{.status = 500, .body = std::move(body)}}).answer;
    };
    EXPECT_EQ(kept(std::string(5'000, 'x')), std::string(1'024, 'x'));
    EXPECT_EQ(kept(std::string{"a\0b", 3}), "a b");
    const auto binary = kept(std::string(5'000, '\xFF'));
    EXPECT_LE(binary.size(), 1'024U);
    EXPECT_TRUE(is_utf8(binary));
    std::string umlauts;
    while (umlauts.size() < 2'000)
        umlauts += "ü";
    EXPECT_TRUE(is_utf8(kept("x" + umlauts)));
}

}  // namespace
}  // namespace photogate::notifier::callbacks
