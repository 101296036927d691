#include "notifier/gates/hook_caller.hpp"

#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/fault_server.hpp"
#include "tests/support/loopback_listener.hpp"

namespace photogate::notifier::gates {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::FaultServer;
using test::Script;

struct FixedClock final : Clock {
    Timestamp now() const override { return *parse_rfc3339("2026-11-20T12:34:56Z"); }
};

const char* const kYes = R"({"allow": true})";

class HookCallerTest : public ::testing::Test {
  protected:
    Result<Verdict> ask(const std::string& url, std::chrono::milliseconds timeout = 10s) {
        return caller.ask({Hook::before_grant, url, timeout, app, secrets},
                          {"grant_1", R"({"type":"before_grant"})"});
    }
    Result<Verdict> ask(std::vector<Script> scripts, std::chrono::milliseconds timeout = 10s) {
        const FaultServer server{std::move(scripts)};
        return ask(server.url() + "/hook", timeout);
    }
    void expect_no_verdict(const Result<Verdict>& verdict, const std::string& why) {
        ASSERT_FALSE(verdict);
        EXPECT_EQ(verdict.error().code, ErrorCode::hook_unavailable);
        EXPECT_TRUE(verdict.error().retry_after);
        EXPECT_NE(verdict.error().detail.find(why), std::string::npos) << verdict.error().detail;
        EXPECT_EQ(verdict.error().detail.find("127.0.0.1"), std::string::npos) << "clients see it";
    }

    FixedClock clock;
    telemetry::Metrics metrics;
    storage::http::HttpClient http{storage::http::ClientOptions{}};
    HookCaller caller{http, clock, metrics};
    const AppName app = AppName::trusted("shop");
    std::vector<signer::WebhookSecret> secrets{
        *signer::WebhookSecret::parse(Secret{"whsec_Y2FsbGJhY2stc2VjcmV0LWNhbmFyeSEh"})};
};

TEST_F(HookCallerTest, signs_the_question_as_callbacks_are_signed) {
    const FaultServer server{{answer(200, kYes)}};
    const auto verdict = ask(server.url() + "/hook?key=1");
    ASSERT_TRUE(verdict) << verdict.error().detail;
    EXPECT_TRUE(verdict->allows());
    const auto seen = server.seen().at(0);
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "/hook?key=1");
    EXPECT_EQ(seen.header("content-type"), "application/json");
    EXPECT_EQ(seen.header("webhook-id"), "grant_1");
    EXPECT_TRUE(signer::verify_webhook(seen.header("webhook-id"), seen.header("webhook-timestamp"),
                                       seen.header("webhook-signature"), seen.body, secrets, clock.now()));
    EXPECT_NE(metrics.render().find(R"(photogate_hook_calls_total{hook="before_grant",result="allowed"} 1)"),
              std::string::npos);
}

TEST_F(HookCallerTest, passes_the_upload_s_trace_on_as_it_is_where_no_span_is_recorded) {
    const FaultServer server{{answer(200, kYes)}};
    const auto asked = [&](std::optional<std::string> traceparent) {
        const auto verdict =
            caller.ask({Hook::before_grant, server.url() + "/hook", 10s, app, secrets},
                       {"grant_1", R"({"type":"before_grant"})", "upl_1", std::move(traceparent), "rojo=1"});
        EXPECT_TRUE(verdict);
        return server.seen().back();
    };
    const auto seen = asked("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    EXPECT_EQ(seen.header("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    EXPECT_EQ(seen.header("tracestate"), "rojo=1");
    EXPECT_EQ(asked(std::nullopt).header("tracestate"), "") << "which says nothing without a trace";
}

TEST_F(HookCallerTest, takes_no_other_answer_for_a_verdict) {
    expect_no_verdict(ask({answer(500, kYes)}), "status 500");
    expect_no_verdict(ask({answer(201, kYes)}), "status 201");
    expect_no_verdict(ask({answer(302, kYes, "Location: http://127.0.0.1/\r\n")}), "status 302");
    expect_no_verdict(ask({answer(403, R"({"allow": false})")}), "status 403");
    expect_no_verdict(ask({answer(200, "<html>")}), "no verdict");
    expect_no_verdict(ask({answer(200, "")}), "no verdict");
    expect_no_verdict(ask({answer(200, std::string(200'000, ' ') + kYes)}), "too long");
    expect_no_verdict(ask({{"SSH-2.0-OpenSSH\r\n\r\n", Script::Then::close}}), "gave no verdict");
    expect_no_verdict(ask({{"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{", Script::Then::close}}),
                      "broke");
}

TEST_F(HookCallerTest, takes_no_answer_in_disguise_for_a_verdict) {
    // gzip of {"allow": true}: nobody has asked for it, so it is not unpacked, nor can it unpack to gigabytes.
    const std::string packed{
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\xcc\xc9\xc9\x2f\x57\xb2\x52\x28\x29\x2a\x4d"
        "\xad\x05\x00\x4d\x98\x20\x2a\x0f\x00\x00\x00",
        35};
    expect_no_verdict(ask({answer(200, packed, "Content-Encoding: gzip\r\n")}), "no verdict");
    expect_no_verdict(ask({answer(200, R"({"verdict": "allow"})")}), "'allow' must be");
    expect_no_verdict(ask({answer(200, R"({"allow": "maybe"})")}), "'allow' must be");
    expect_no_verdict(ask({answer(200, R"({"Allow": true})")}), "'allow' must be");
    expect_no_verdict(ask({answer(200, R"({"allow": true} {"allow": false})")}), "no verdict");
    expect_no_verdict(ask({answer(200, std::string(5'000, '[') + std::string(5'000, ']'))}), "no verdict");
    expect_no_verdict(ask({answer(204, "")}), "status 204");
    for (const int redirect : {301, 303, 307, 308})
        expect_no_verdict(ask({answer(redirect, kYes, "Location: /elsewhere\r\n")}), "status");
    // What it is called does not matter, what it says does.
    const auto plain = ask({answer(200, kYes, "Content-Type: text/plain\r\n")});
    ASSERT_TRUE(plain);
    EXPECT_TRUE(plain->allows());
}

TEST_F(HookCallerTest, reads_no_more_of_an_endless_answer_than_a_verdict_has) {
    std::string endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 64; ++i)
        endless += "1000\r\n" + std::string(0x1000, ' ') + "\r\n";
    const auto started = std::chrono::steady_clock::now();
    expect_no_verdict(ask({{endless, Script::Then::hang}}, 10s), "too long");
    EXPECT_LT(std::chrono::steady_clock::now() - started, 5s) << "it is not waited for";
    expect_no_verdict(
        ask({{"HTTP/1.1 200 OK\r\nX-A: " + std::string(2'000'000, 'x') + "\r\n\r\n", Script::Then::hang}},
            3s),
        "gave no verdict");
}

TEST_F(HookCallerTest, ends_a_call_that_drips) {
    test::LoopbackListener listener;
    std::thread dripping{[&] {
        const Descriptor connection{::accept4(listener.socket(), nullptr, nullptr, SOCK_CLOEXEC)};
        const std::string words = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + std::string{kYes};
        for (const char c : words) {
            if (::send(connection.get(), &c, 1, MSG_NOSIGNAL) != 1) return;
            std::this_thread::sleep_for(100ms);
        }
    }};
    const auto started = std::chrono::steady_clock::now();
    expect_no_verdict(ask("http://127.0.0.1:" + std::to_string(listener.port()) + "/hook", 600ms),
                      "too long");
    EXPECT_LT(std::chrono::steady_clock::now() - started, 3s) << "the time is that of the whole call";
    dripping.join();
}

TEST_F(HookCallerTest, connects_to_no_address_that_is_guarded) {
    const FaultServer server{{answer(200, kYes)}};
    storage::http::ClientOptions guarded;
    guarded.guard = [](const sockaddr&) { return false; };
    storage::http::HttpClient client{std::move(guarded)};
    HookCaller strict{client, clock, metrics};
    const auto url = server.url() + "/hook";
    const auto verdict = strict.ask({Hook::before_publish, url, 5s, app, secrets}, {"publish_1", "{}"});
    expect_no_verdict(verdict, "not permitted");
    EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HookCallerTest, ends_a_call_that_takes_too_long) {
    const auto started = std::chrono::steady_clock::now();
    expect_no_verdict(ask({{"", Script::Then::hang}}, 200ms), "too long");
    expect_no_verdict(ask({{"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{", Script::Then::hang}}, 200ms),
                      "too long");
    EXPECT_LT(std::chrono::steady_clock::now() - started, 5s);
}

TEST_F(HookCallerTest, leaves_a_hook_alone_that_fails_again_and_again_and_no_other) {
    const FaultServer server{{answer(500, ""), answer(500, ""), answer(500, ""), answer(200, kYes)}};
    const auto url = server.url() + "/hook";
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(caller.away(Hook::before_grant, url));
        EXPECT_FALSE(ask(url));
    }
    const auto away = caller.away(Hook::before_grant, url);
    ASSERT_TRUE(away);
    EXPECT_EQ(away->code, ErrorCode::hook_unavailable);
    EXPECT_EQ(away->retry_after, 1s);
    EXPECT_FALSE(caller.away(Hook::before_grant, server.url() + "/other"));
    EXPECT_TRUE(ask(url)) << "whoever asks all the same";
    EXPECT_FALSE(caller.away(Hook::before_grant, url)) << "it is back";
}

TEST_F(HookCallerTest, waits_as_long_as_the_hook_asks_for) {
    const auto verdict = ask({answer(503, "", "Retry-After: 17\r\n")});
    ASSERT_FALSE(verdict);
    EXPECT_EQ(verdict.error().retry_after, 17s);
}

TEST_F(HookCallerTest, sends_nothing_unsigned) {
    secrets.clear();
    const FaultServer server{{answer(200, kYes)}};
    expect_no_verdict(ask(server.url()), "no secret");
    EXPECT_EQ(server.connections(), 0U);
}

}  // namespace
}  // namespace photogate::notifier::gates
