#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

class Connections : public Serving {};

TEST_F(Connections, sends_request_id_and_safe_default_headers) {
    RawClient client = connect();
    auto answer = client.ask(get("/hello/a%20b?x=1", "X-Request-Id: caller-7.x_Y\r\n"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello a b");
    EXPECT_EQ(answer->header("X-Request-Id"), "caller-7.x_Y");
    EXPECT_EQ(answer->header("Server"), "photogate");
    EXPECT_EQ(answer->header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer->header("Cache-Control"), "no-store");
    EXPECT_EQ(answer->header("Content-Security-Policy"), "default-src 'none'");
    EXPECT_TRUE(answer->header("Date").ends_with(" GMT"));
    for (const std::string& id : {std::string{"a b"}, std::string(65, 'a'), std::string{"<x>"}}) {
        std::string given =
            client.ask(get("/hello/x", "X-Request-Id: " + id + "\r\n"))->header("X-Request-Id");
        EXPECT_NE(given, id);
        EXPECT_FALSE(given.empty());
    }
}

TEST_F(Connections, serves_many_requests_on_one_connection) {
    RawClient client = connect();
    for (int i = 0; i < 200; ++i) {
        std::string body = std::to_string(i);
        EXPECT_EQ(client.ask(post("/echo", body))->body, body);
    }
    EXPECT_EQ(server->stats().accepted, 1U);
    EXPECT_EQ(server->stats().requests, 200U);
}

TEST_F(Connections, receives_whole_bodies_however_they_are_split) {
    const std::string request =
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n "
        "world\r\n0\r\n\r\n";
    RawClient client = connect();
    for (char c : request)
        client.send({&c, 1});
    EXPECT_EQ(client.receive()->body, "hello world");
    const std::string whole(65'536, 'b');
    EXPECT_EQ(client.ask(post("/echo", whole))->body, whole);
    EXPECT_EQ(client.ask("\r\n" + post("/echo", "after an empty line"))->body, "after an empty line");
}

TEST_F(Connections, answers_capped_number_of_pipelined_requests_in_order) {
    RawClient client = connect();
    std::string all;
    for (int i = 0; i < 100; ++i)
        all += get("/hello/" + std::to_string(i));
    client.send(all);
    for (int i = 0; i < 16; ++i) {
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body, "hello " + std::to_string(i));
        EXPECT_EQ(answer->header("Connection"), i == 15 ? "close" : "");
    }
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(handled, 16);
}

TEST_F(Connections, keeps_response_order_when_the_first_is_late) {
    RawClient client = connect();
    client.send(get("/parked") + get("/hello/second"));
    auto [request, responder] = parked.take();
    EXPECT_EQ(handled, 0);
    std::thread([responder = std::move(responder)]() mutable {
        responder.respond(Response::text(200, "first"));
    }).join();
    EXPECT_EQ(client.receive()->body, "first");
    EXPECT_EQ(client.receive()->body, "hello second");
}

TEST_F(Connections, answers_500_when_a_handler_drops_or_throws) {
    RawClient client = connect();
    for (const char* path : {"/dropped", "/throws"}) {
        auto answer = client.ask(get(path));
        EXPECT_EQ(answer->status, 500) << path;
        EXPECT_NE(answer->body.find("\"code\":\"internal\""), std::string::npos);
        EXPECT_EQ(answer->body.find("boom"), std::string::npos);
    }
    EXPECT_EQ(client.ask(get("/problem"))->status, 404);
}

TEST_F(Connections, answers_head_like_get_without_body) {
    RawClient client = connect();
    const std::string problem = std::to_string(client.ask(get("/problem"))->body.size());
    const std::vector<std::pair<const char*, std::string>> expected{{"/hello/x", "7"},
                                                                    {"/large", "20000000"},
                                                                    {"/stream/length", "3000000"},
                                                                    {"/stream/chunked", ""},
                                                                    {"/problem", problem}};
    for (const auto& [path, length] : expected) {
        client.send(std::string{"HEAD "} + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
        auto answer = client.receive(Expecting::no_body);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->header("Content-Length"), length) << path;
    }
    EXPECT_EQ(client.ask(get("/hello/x"))->body, "hello x");
}

TEST_F(Connections, sends_large_and_streamed_bodies_whole) {
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/large"))->body, *large);
    EXPECT_EQ(client.ask(get("/stream/chunked"))->body, std::string(3'000'000, 'x'));
    EXPECT_EQ(client.ask(get("/stream/length"))->body, std::string(3'000'000, 'x'));
    EXPECT_EQ(client.ask(get("/hello/x"))->status, 200);
}

TEST_F(Connections, closes_connection_when_a_stream_breaks_its_announced_length) {
    RawClient cheated = connect();
    EXPECT_THROW((void)cheated.ask(get("/stream/short")), std::runtime_error);
    RawClient spared = connect();
    EXPECT_EQ(spared.ask(get("/stream/long"))->body, std::string(30'000, 'x'));
    EXPECT_TRUE(spared.at_end());
}

TEST_F(Connections, closes_http_1_0_connection_unless_keep_alive_is_requested) {
    RawClient client = connect();
    auto stays = client.ask("GET /hello/x HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(stays->header("Connection"), "keep-alive");
    EXPECT_EQ(client.ask("GET /hello/x HTTP/1.0\r\nHost: h\r\n\r\n")->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Connections, answers_client_that_has_half_closed) {
    RawClient client = connect();
    client.send(get("/hello/x"));
    client.finish_sending();
    EXPECT_EQ(client.receive()->body, "hello x");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Connections, closes_silently_when_a_probe_sends_nothing) {
    { RawClient probe = connect(); }
    {
        RawClient half = connect();
        half.send("GET /hel");
    }
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/x"))->status, 200);
    EXPECT_EQ(server->stats().malformed, 0U);
    EXPECT_EQ(server->stats().requests, 1U);
}

TEST_F(Connections, allows_cross_origin_requests_from_configured_origin) {
    RawClient client = connect();
    auto preflight = client.ask(
        "OPTIONS /echo HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: "
        "POST\r\n\r\n");
    EXPECT_EQ(preflight->status, 204);
    EXPECT_EQ(preflight->header("Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(preflight->header("Access-Control-Allow-Methods"), "POST, PUT, OPTIONS");
    EXPECT_EQ(preflight->header("Access-Control-Max-Age"), "7200");
    EXPECT_EQ(preflight->header("Content-Length"), "");
    EXPECT_EQ(client.ask(post("/echo", "x", "Origin: https://app.example\r\n"))
                  ->header("Access-Control-Expose-Headers"),
              "ETag, Location, X-Request-Id, Retry-After");
    EXPECT_EQ(client.ask(post("/echo", "x", "Origin: https://evil.example\r\n"))
                  ->header("Access-Control-Allow-Origin"),
              "");
    auto refused = client.ask(
        "POST /echo HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nContent-Length: 99999\r\n\r\n");
    EXPECT_EQ(refused->status, 413);
    EXPECT_EQ(refused->header("Access-Control-Allow-Origin"), "https://app.example");
}

TEST_F(Connections, accepts_asterisk_target_for_options_only) {
    RawClient client = connect();
    EXPECT_EQ(client.ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")->status, 204);
}

TEST_F(Connections, serves_requests_beside_a_thousand_idle_connections) {
    std::vector<RawClient> idle;
    for (int i = 0; i < 1'000; ++i)
        idle.push_back(connect());
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/x"))->status, 200);
    EXPECT_EQ(idle.front().ask(get("/hello/y"))->status, 200);
    EXPECT_EQ(idle.back().ask(get("/hello/z"))->status, 200);
    EXPECT_EQ(server->stats().connections, 1'001U);
}

TEST_F(Connections, delivers_responses_from_many_threads_to_their_own_requests) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 32; ++i)
        clients.push_back(connect());
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 32; ++i)
            clients[i].send(get("/parked?n=" + std::to_string(i)));
        std::vector<std::thread> answering;
        for (int t = 0; t < 4; ++t) {
            answering.emplace_back([this] {
                for (int n = 0; n < 8; ++n) {
                    auto [request, responder] = parked.take();
                    responder.respond(Response::text(200, std::string{*request.query_value("n")}));
                }
            });
        }
        for (auto& thread : answering)
            thread.join();
        for (int i = 0; i < 32; ++i)
            EXPECT_EQ(clients[i].receive()->body, std::to_string(i));
    }
}

class FewRequests : public Serving {
    ServerOptions options() const override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.requests_per_connection = 3;
        return options;
    }
};

TEST_F(FewRequests, closes_connection_after_its_request_limit) {
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/1"))->header("Connection"), "");
    EXPECT_EQ(client.ask(get("/hello/2"))->header("Connection"), "");
    EXPECT_EQ(client.ask(get("/hello/3"))->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST(ServerStart, listens_on_all_ipv4_and_all_ipv6_addresses_of_one_port) {
    Router router;
    auto probe = Server::start({{.address = "0.0.0.0", .service = &router}}, {});
    ASSERT_TRUE(probe);
    const auto port = (*probe)->ports().front();
    probe->reset();
    for (const bool ipv4_first : {true, false}) {
        const Listener four{.address = "0.0.0.0", .port = port, .service = &router};
        const Listener six{.address = "::", .port = port, .service = &router};
        auto both = Server::start(ipv4_first ? std::vector{four, six} : std::vector{six, four}, {});
        EXPECT_TRUE(both) << both.error().detail;
    }
    auto alone = Server::start({{.address = "::", .port = port, .service = &router}}, {});
    ASSERT_TRUE(alone);
    EXPECT_EQ(RawClient(port).ask(get("/nowhere"))->status, 404) << "alone, it takes IPv4 as well";
}

TEST(ServerStart, reports_taken_or_invalid_listen_address) {
    Router router;
    auto first = Server::start({{.service = &router}}, {});
    ASSERT_TRUE(first);
    auto second = Server::start({{.port = (*first)->ports().front(), .service = &router}}, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::cannot_bind);
    EXPECT_EQ(Server::start({{.address = "nowhere.example", .service = &router}}, {}).error().code,
              ErrorCode::cannot_bind);
}

}  // namespace
}  // namespace photogate::gateway::http::test
