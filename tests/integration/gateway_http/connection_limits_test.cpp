// What happens at the limits of connections: in all, for one listener, from one address.
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using std::chrono::milliseconds;

class ConnectionLimits : public Serving {
  protected:
    ServerOptions options() const override {
        ServerOptions options{.threads = 1, .access_log = AccessLog::none};
        options.limits.connections = 4;
        options.limits.yields_after = milliseconds{40};
        return options;
    }
};

TEST_F(ConnectionLimits, evicts_longest_idle_connection_at_the_limit) {
    std::vector<RawClient> all;
    for (int i = 0; i < 4; ++i) {
        all.push_back(connect());
        EXPECT_EQ(all.back().ask(get("/hello/x"))->status, 200);
    }
    EXPECT_EQ(all.front().ask(get("/hello/again"))->status, 200);
    RawClient next = connect();
    EXPECT_EQ(next.ask(get("/hello/next"))->body, "hello next");
    EXPECT_TRUE(all[1].at_end());
    for (int i : {0, 2, 3})
        EXPECT_EQ(all[i].ask(get("/hello/x"))->status, 200);
    EXPECT_EQ(server->stats().evicted, 1U);
    EXPECT_LE(server->stats().connections, 4U);
}

TEST_F(ConnectionLimits, evicts_connections_with_unfinished_heads) {
    std::vector<RawClient> slow;
    for (int i = 0; i < 4; ++i) {
        slow.push_back(connect());
        slow.back().send("GET /hello/x HTTP/1.1\r\nHos");
    }
    RawClient next = connect();
    EXPECT_EQ(next.ask(get("/hello/next"))->body, "hello next");
    EXPECT_TRUE(slow[0].at_end());
}

TEST_F(ConnectionLimits, never_evicts_a_connection_with_a_request_in_progress) {
    std::vector<RawClient> busy;
    for (int i = 0; i < 4; ++i) {
        busy.push_back(connect());
        busy.back().send(get("/parked"));
    }
    parked.wait_for(4);
    RawClient waiting = connect();
    waiting.send(get("/hello/waited"));
    while (server->stats().accept_pauses == 0)
        std::this_thread::yield();
    EXPECT_EQ(server->stats().connections, 4U);
    for (int i = 0; i < 4; ++i) {
        auto [request, responder] = parked.take();
        responder.respond(Response::text(200, "done"));
    }
    for (RawClient& client : busy)
        EXPECT_EQ(client.receive()->body, "done");
    EXPECT_EQ(waiting.receive()->body, "hello waited");
}

TEST_F(ConnectionLimits, accepts_on_listener_with_own_quota_when_others_are_full) {
    auto started = Server::start({{.service = &router}, {.service = &router, .connections = 1}}, options());
    ASSERT_TRUE(started);
    server = std::move(*started);
    const std::vector<std::uint16_t> ports = server->ports();
    std::vector<RawClient> busy;
    for (int i = 0; i < 4; ++i) {
        busy.emplace_back(ports[0]);
        busy.back().send(get("/parked"));
    }
    parked.wait_for(4);
    RawClient other{ports[1]};
    EXPECT_EQ(other.ask(get("/hello/x"))->status, 200);
    RawClient waiting{ports[0]};
    waiting.send(get("/hello/waited"));
    EXPECT_EQ(other.ask(get("/hello/x"))->status, 200);
    for (int i = 0; i < 4; ++i) {
        auto [request, responder] = parked.take();
        responder.respond(Response::text(200, "done"));
    }
    EXPECT_EQ(waiting.receive()->body, "hello waited");
}

class PerAddress : public Serving {
  protected:
    ServerOptions options() const override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.connections_per_address = 3;
        options.trusted_proxies = {*parse_ip_block("127.0.0.128/25")};
        return options;
    }
    RawClient connect_from(const char* address) const { return RawClient{port, 0, address}; }
};

TEST_F(PerAddress, rejects_connection_over_the_limit_of_its_address) {
    std::vector<RawClient> mine;
    for (int i = 0; i < 3; ++i) {
        mine.push_back(connect_from("127.0.0.2"));
        EXPECT_EQ(mine.back().ask(get("/hello/x"))->status, 200);
    }
    RawClient over = connect_from("127.0.0.2");
    auto answer = over.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 429);
    EXPECT_NE(answer->body.find("\"code\":\"rate_limited\""), std::string::npos) << answer->body;
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_FALSE(answer->header("Retry-After").empty());
    EXPECT_TRUE(over.at_end());
    EXPECT_EQ(server->stats().rejected_over_limit, 1U);
    EXPECT_EQ(connect_from("127.0.0.3").ask(get("/hello/x"))->status, 200);
    mine.pop_back();
    // The other client's and this one's end are seen by the server in its own time.
    while (server->stats().connections > 2)
        std::this_thread::yield();
    EXPECT_EQ(connect_from("127.0.0.2").ask(get("/hello/x"))->status, 200);
}

TEST_F(PerAddress, allows_any_number_of_connections_from_trusted_proxy) {
    std::vector<RawClient> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(connect_from("127.0.0.200"));
        EXPECT_EQ(all.back().ask(get("/hello/x"))->status, 200);
    }
    EXPECT_EQ(server->stats().rejected_over_limit, 0U);
}

TEST_F(PerAddress, takes_client_address_from_trusted_proxy) {
    const std::string claim = "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n";
    EXPECT_EQ(connect_from("127.0.0.200").ask(get("/whoami", claim))->body, "198.51.100.7");
    EXPECT_EQ(connect_from("127.0.0.2").ask(get("/whoami", claim))->body, "127.0.0.2");
    EXPECT_EQ(connect_from("127.0.0.200").ask(get("/whoami"))->body, "127.0.0.200");
}

}  // namespace
}  // namespace photogate::gateway::http::test
