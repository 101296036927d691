// Slow clients against short deadlines: what is awaited is the server's own decision, never a sleep.
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using std::chrono::milliseconds;

class Deadlines : public Serving {
    ServerOptions options() const override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.head_deadline = milliseconds{100};
        options.limits.body_deadline = milliseconds{400};
        options.limits.body_window = milliseconds{100};
        options.limits.idle = milliseconds{100};
        options.limits.write_stall = milliseconds{100};
        options.limits.linger = milliseconds{100};
        return options;
    }
};

TEST_F(Deadlines, answers_408_and_closes_when_a_head_does_not_finish) {
    RawClient client = connect();
    auto answer = client.ask("GET /hello/x HTTP/1.1\r\nHost:");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_NE(answer->body.find("request_timeout"), std::string::npos);
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Deadlines, does_not_extend_deadline_for_a_dripping_head) {
    RawClient client = connect();
    client.send("GET /hello/x HTTP/1.1\r\nHost: h\r\nX: ");
    while (server->stats().timeouts == 0) {
        client.send("a");
        std::this_thread::sleep_for(milliseconds{1});
    }
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Deadlines, gives_each_head_its_own_deadline) {
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/x") + "GET /hello/y HTTP/1.1\r\nHo")->status, 200);
    EXPECT_EQ(client.receive()->status, 408);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Deadlines, answers_408_and_closes_when_a_body_stalls) {
    RawClient client = connect();
    auto answer = client.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(handled, 0);
}

TEST_F(Deadlines, closes_idle_connection_silently) {
    RawClient silent = connect();
    EXPECT_TRUE(silent.at_end());
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/x"))->status, 200);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Deadlines, closes_connection_of_a_client_that_does_not_read) {
    RawClient client{port, 4'096};
    client.send(get("/large"));
    while (server->stats().timeouts == 0)
        std::this_thread::yield();
    EXPECT_THROW((void)client.receive(), std::runtime_error);
}

TEST_F(Deadlines, sets_no_deadline_while_a_request_is_processed) {
    RawClient client = connect();
    client.send(get("/parked"));
    auto [request, responder] = parked.take();
    RawClient clock = connect();
    EXPECT_TRUE(clock.at_end());
    responder.respond(Response::text(200, "took its time"));
    EXPECT_EQ(client.receive()->body, "took its time");
}

class LongBodies : public Serving {
    ServerOptions options() const override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.body_deadline = milliseconds{100};
        options.limits.body_window = std::chrono::minutes{10};
        return options;
    }
};

TEST_F(LongBodies, answers_408_when_a_fast_body_exceeds_its_total_time) {
    const std::vector<std::pair<std::string, std::string>> kinds{
        {"Content-Length: 60000", "x"}, {"Transfer-Encoding: chunked", "1\r\nx\r\n"}};
    std::uint64_t timeouts = 0;
    for (const auto& [framing, piece] : kinds) {
        RawClient client = connect();
        client.send("POST /echo HTTP/1.1\r\nHost: h\r\n" + framing + "\r\n\r\n");
        while (server->stats().timeouts == timeouts) {
            client.send(piece);
            std::this_thread::sleep_for(milliseconds{1});
        }
        ++timeouts;
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 408);
        EXPECT_TRUE(client.at_end());
    }
    EXPECT_EQ(handled, 0);
}

class SlowBodies : public Serving {
    ServerOptions options() const override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.body_deadline = std::chrono::minutes{10};
        options.limits.body_window = milliseconds{50};
        options.limits.body_bytes_per_second = 1'000'000'000;
        return options;
    }
};

TEST_F(SlowBodies, answers_408_early_when_a_body_is_below_the_minimum_rate) {
    RawClient client = connect();
    auto answer = client.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" +
                             std::string(50'000, 'x'));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_EQ(handled, 0);
}

}  // namespace
}  // namespace photogate::gateway::http::test
