// Clients that disconnect while a route has their request: the server detects it, frees the connection slot,
// and other clients are unaffected.
#include <future>

#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using std::chrono::milliseconds;

template <class Condition>
bool soon(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(milliseconds{1});
    }
    return true;
}

/// Beside what Serving has: `/waits` parks a request that says so, as a long poll does.
class Abandoning : public Serving {
  protected:
    ServerOptions options() const override {
        ServerOptions options{.threads = 1, .access_log = AccessLog::none};
        options.limits.half_closed = milliseconds{200};
        return options;
    }
    void SetUp() override {
        const auto waits = [this](Request request, Responder responder) {
            responder.on_abandoned([this](Abandoned why) { ++(why == Abandoned::evicted ? evicted : gone); });
            parked.park(std::move(request), std::move(responder));
        };
        router.add({.method = Method::get, .pattern = "/waits", .handler = waits})
            .add({.method = Method::delete_, .pattern = "/waits", .handler = waits})
            .add({.method = Method::post,
                  .pattern = "/parked",
                  .handler =
                      [this](Request request, Responder responder) {
                          parked.park(std::move(request), std::move(responder));
                      },
                  .body_limit = 1'000'000});
        Serving::SetUp();
    }
    std::size_t connections() const { return server->stats().connections; }

    std::atomic<int> gone{0};
    std::atomic<int> evicted{0};
};

const std::vector<std::pair<const char*, std::string>> kKinds{
    {"a wait", get("/waits")},
    {"a DELETE that waits", "DELETE /waits HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"work", get("/parked")},
    {"work with a body", post("/parked", "abc")},
    {"work with the next request behind it", get("/parked") + get("/hello/x")},
    {"a wait with the next request behind it", get("/waits") + get("/hello/x")}};

TEST_F(Abandoning, sees_a_client_that_closes_while_any_request_is_handled) {
    std::uint64_t seen = 0;
    for (const auto& [name, bytes] : kKinds) {
        std::pair<Request, Responder> held = [&] {
            RawClient client = connect();
            client.send(bytes);
            return parked.take();
        }();
        EXPECT_TRUE(soon([&] { return connections() == 0; })) << name;
        EXPECT_TRUE(held.second.abandoned()) << name;
        EXPECT_EQ(server->stats().abandoned, ++seen) << name;
        held.second.respond(Response::text(200, "too late"));
    }
    EXPECT_EQ(gone, 3);
    EXPECT_EQ(handled, 0);
    EXPECT_EQ(connect().ask(get("/hello/x"))->status, 200);
}

TEST_F(Abandoning, sees_a_reset_while_any_request_is_handled) {
    for (const auto& [name, bytes] : kKinds) {
        std::pair<Request, Responder> held = [&] {
            RawClient client = connect();
            client.send(bytes);
            auto taken = parked.take();
            client.reset();
            return taken;
        }();
        EXPECT_TRUE(soon([&] { return connections() == 0; })) << name;
        EXPECT_TRUE(held.second.abandoned()) << name;
    }
    EXPECT_EQ(gone, 3);
}

TEST_F(Abandoning, sees_the_end_behind_bytes_that_came_while_handling) {
    std::pair<Request, Responder> held = [&] {
        RawClient client = connect();
        client.send(get("/waits"));
        auto taken = parked.take();
        client.send(get("/hello/next") + std::string(30'000, 'x'));
        EXPECT_EQ(gone, 0);
        return taken;
    }();
    EXPECT_TRUE(soon([&] { return gone == 1; }));
    EXPECT_TRUE(soon([&] { return connections() == 0; }));
    EXPECT_EQ(handled, 0);
}

TEST_F(Abandoning, loses_no_request_that_comes_while_another_is_handled) {
    for (const char* path : {"/parked", "/waits"}) {
        RawClient client = connect();
        client.send(get(path));
        auto [request, responder] = parked.take();
        std::string more;
        for (int i = 0; i < 10; ++i)
            more += get("/hello/" + std::to_string(i));
        for (std::size_t at = 0; at < more.size(); at += 100)
            client.send(std::string_view{more}.substr(at, 100));
        // Another connection's turn, so that the bytes have been noticed.
        EXPECT_EQ(connect().ask(get("/hello/other"))->status, 200);
        responder.respond(Response::text(200, "first"));
        EXPECT_EQ(client.receive()->body, "first");
        for (int i = 0; i < 10; ++i)
            EXPECT_EQ(client.receive()->body, "hello " + std::to_string(i));
    }
    EXPECT_EQ(gone, 0);
}

TEST_F(Abandoning, answers_a_client_that_has_finished_sending_where_the_answer_comes_soon) {
    RawClient client = connect();
    client.send(get("/parked") + get("/hello/x"));
    client.finish_sending();
    auto [request, responder] = parked.take();
    responder.respond(Response::text(200, "first"));
    EXPECT_EQ(client.receive()->body, "first");
    EXPECT_EQ(client.receive()->body, "hello x");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Abandoning, ends_work_for_a_client_that_has_finished_sending_after_a_while) {
    RawClient client = connect();
    client.send(get("/parked"));
    client.finish_sending();
    auto [request, responder] = parked.take();
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(soon([&, &held = responder] { return held.abandoned(); }));
}

TEST_F(Abandoning, ends_a_wait_as_soon_as_the_client_has_finished_sending) {
    RawClient before = connect();
    before.send(get("/waits"));
    auto first = parked.take();
    before.finish_sending();
    EXPECT_TRUE(before.at_end());
    RawClient after = connect();
    after.send(get("/waits"));
    after.finish_sending();
    EXPECT_TRUE(after.at_end());
    EXPECT_TRUE(soon([&] { return gone == 2; }));
}

TEST_F(Abandoning, answers_a_client_that_takes_a_stream_with_its_side_closed) {
    RawClient client = connect();
    client.send(get("/stream/length"));
    client.finish_sending();
    EXPECT_EQ(client.receive()->body, std::string(3'000'000, 'x'));
}

TEST_F(Abandoning, calls_nothing_once_the_request_is_answered) {
    for (int i = 0; i < 50; ++i) {
        RawClient client = connect();
        client.send(get("/waits"));
        auto [request, responder] = parked.take();
        responder.respond(Response::text(200, "done"));
        EXPECT_EQ(client.receive()->body, "done");
    }
    EXPECT_TRUE(soon([&] { return connections() == 0; }));
    EXPECT_EQ(gone, 0);
    EXPECT_EQ(server->stats().abandoned, 0U);
}

TEST_F(Abandoning, answers_or_abandons_but_never_both_when_they_meet) {
    constexpr int kRounds = 300;
    for (int i = 0; i < kRounds; ++i) {
        auto client = std::make_optional(connect());
        client->send(get("/waits"));
        auto [request, responder] = parked.take();
        std::thread answering(
            [held = std::move(responder)]() mutable { held.respond(Response::empty(204)); });
        client.reset();
        answering.join();
    }
    EXPECT_TRUE(soon([&] { return connections() == 0; }));
    EXPECT_LE(gone, kRounds);
    EXPECT_EQ(connect().ask(get("/hello/x"))->status, 200);
}

TEST_F(Abandoning, gives_thousands_of_abandoned_waits_back_at_once) {
    constexpr int kWaits = 3'000;
    for (int i = 0; i < kWaits; ++i)
        connect().send(get("/waits"));
    EXPECT_TRUE(soon([&] { return gone == kWaits && connections() == 0; })) << gone << ' ' << connections();
}

TEST_F(Abandoning, tells_the_waiting_when_the_server_ends) {
    RawClient client = connect();
    client.send(get("/waits"));
    auto held = parked.take();
    EXPECT_EQ(server->drain(milliseconds{1}), 1U);
    EXPECT_EQ(gone, 1);
    EXPECT_TRUE(held.second.abandoned());
    server.reset();
}

class FewPlaces : public Abandoning {
    ServerOptions options() const override {
        ServerOptions options{.threads = 1, .access_log = AccessLog::none};
        options.limits.connections = 4;
        options.limits.yields_after = milliseconds{40};
        options.limits.half_closed = std::chrono::minutes{10};
        return options;
    }
};

TEST_F(FewPlaces, the_longest_wait_ends_first_with_503) {
    std::vector<RawClient> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(connect());
        waiting.back().send(get("/waits"));
        parked.wait_for(static_cast<std::size_t>(i) + 1);
    }
    EXPECT_EQ(connect().ask(get("/hello/next"))->body, "hello next");
    auto answer = waiting[0].receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_NE(answer->body.find("\"code\":\"overloaded\""), std::string::npos) << answer->body;
    EXPECT_FALSE(answer->header("Retry-After").empty());
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(waiting[0].at_end());
    EXPECT_EQ(evicted, 1);
    EXPECT_EQ(server->stats().evicted_waits, 1U);
    for (int i = 0; i < 4; ++i)
        parked.take().second.respond(Response::text(200, "done"));
    for (int i = 1; i < 4; ++i)
        EXPECT_EQ(waiting[static_cast<std::size_t>(i)].receive()->body, "done");
}

TEST_F(FewPlaces, waits_end_before_silent_connections_and_work_never_does) {
    RawClient silent = connect();
    EXPECT_EQ(silent.ask(get("/hello/x"))->status, 200);
    RawClient working = connect();
    working.send(get("/parked"));
    auto work = parked.take();
    RawClient leaving = connect();
    leaving.send(get("/parked"));
    auto unread = parked.take();
    leaving.finish_sending();
    RawClient waiting = connect();
    waiting.send(get("/waits"));
    auto wait = parked.take();
    std::this_thread::sleep_for(milliseconds{60});  // the silent one could go by now
    // First who has finished sending, then who waits, then who is silent.
    RawClient one = connect();
    one.send(get("/parked"));
    auto first = parked.take();
    EXPECT_TRUE(leaving.at_end());
    EXPECT_EQ(evicted, 0);
    RawClient two = connect();
    two.send(get("/parked"));
    auto second = parked.take();
    EXPECT_EQ(waiting.receive()->status, 503);
    EXPECT_EQ(evicted, 1);
    RawClient three = connect();
    three.send(get("/parked"));
    auto third = parked.take();
    EXPECT_TRUE(silent.at_end());
    work.second.respond(Response::text(200, "worked"));
    EXPECT_EQ(working.receive()->body, "worked");
    EXPECT_EQ(server->stats().evicted, 3U);
}

TEST_F(FewPlaces, waits_of_one_client_do_not_keep_others_out) {
    std::vector<RawClient> waiting;
    for (int i = 0; i < 40; ++i) {
        waiting.push_back(connect());
        waiting.back().send(get("/waits"));
    }
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(connect().ask(get("/hello/x"))->status, 200);
}

}  // namespace
}  // namespace photogate::gateway::http::test
