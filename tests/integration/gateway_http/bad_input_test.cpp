// The requests of bad_rows.hpp, byte for byte against the real server.
#include "bad_rows.hpp"
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

class BadInput : public Serving {};

TEST_F(BadInput, rejects_each_row_with_its_code_and_closes_the_connection) {
    for (const Row& row : closing_rows()) {
        SCOPED_TRACE(row.name);
        RawClient client = connect();
        auto answer = client.ask(row.bytes + "GET /hello/smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, row.status);
        EXPECT_EQ(answer->header("Content-Type"), "application/problem+json");
        EXPECT_EQ(answer->header("Connection"), "close");
        EXPECT_NE(answer->body.find("\"code\":\"" + std::string{row.code} + "\""), std::string::npos)
            << answer->body;
        EXPECT_NE(answer->body.find("\"request_id\":\"" + answer->header("X-Request-Id") + "\""),
                  std::string::npos);
        EXPECT_TRUE(client.at_end());
    }
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, keeps_connection_after_unknown_path_or_method) {
    RawClient client = connect();
    auto nowhere = client.ask(get("/nowhere"));
    EXPECT_EQ(nowhere->status, 404);
    EXPECT_NE(nowhere->body.find("\"code\":\"not_found\""), std::string::npos);
    for (const char* method : {"TRACE", "DELETE", "GET", "PATCH"}) {
        auto answer = client.ask(std::string{method} + " /echo HTTP/1.1\r\nHost: h\r\n\r\n");
        ASSERT_TRUE(answer) << method;
        EXPECT_EQ(answer->status, 405) << method;
        EXPECT_EQ(answer->header("Allow"), "POST, PUT, OPTIONS");
        EXPECT_NE(answer->body.find("\"code\":\"method_not_allowed\""), std::string::npos);
    }
    EXPECT_EQ(client.ask(get("/hello/x"))->status, 200);
    EXPECT_EQ(server->stats().accepted, 1U);
}

TEST_F(BadInput, serves_requests_just_within_the_limits) {
    std::string fields;
    for (int i = 0; i < 63; ++i)
        fields += "X-" + std::to_string(i) + ": v\r\n";
    const std::string name(2'041, 'a');
    const std::string block = "X: " + std::string(8'192 - 23 - 9 - 5 - 2, 'a') + "\r\n";
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/hello/x", fields))->status, 200) << "64 headers";
    EXPECT_EQ(client.ask(get("/hello/x", block))->status, 200) << "8 KB of request line and headers";
    EXPECT_EQ(client.ask(get("/hello/" + name))->status, 200) << "2 KB of target";
    EXPECT_EQ(client.ask(post("/echo", std::string(65'536, 'x')))->status, 200) << "the whole limit";
    EXPECT_EQ(client.ask(get("/hello/x", "Content-Length: 0\r\n"))->status, 200) << "a body of no bytes";
    EXPECT_EQ(server->stats().accepted, 1U);
}

TEST_F(BadInput, sends_no_body_when_rejecting_head) {
    for (const char* rest : {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Content-Length: 3\r\n\r\nabc",
                             "Expect: more\r\n\r\n"}) {
        RawClient client = connect();
        auto answer =
            client.ask(std::string{"HEAD /hello/x HTTP/1.1\r\nHost: h\r\n"} + rest, Expecting::no_body);
        ASSERT_TRUE(answer);
        EXPECT_GE(answer->status, 400) << rest;
        EXPECT_TRUE(client.at_end()) << "no body follows";
    }
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, closes_connection_without_reading_a_rejected_body) {
    RawClient client = connect();
    auto answer = client.ask(
        "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nGET /hello/x HTTP/1.1\r\nHost: "
        "h\r\n\r\n");
    EXPECT_EQ(answer->status, 404);
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, rejects_body_over_limit_while_it_is_being_sent) {
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    client.send(std::string(3'000'000, 'x'));
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413);
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, rejects_credentials_before_reading_the_body) {
    RawClient client = connect();
    auto answer =
        client.ask("POST /guarded HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 401);
    EXPECT_EQ(answer->header("WWW-Authenticate"), "Bearer realm=\"photogate\"");
    EXPECT_TRUE(client.at_end());
    RawClient known = connect();
    auto go = known.ask(
        "POST /guarded HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer good\r\nContent-Length: 3\r\nExpect: "
        "100-continue\r\n\r\n");
    EXPECT_EQ(go->status, 100);
    EXPECT_EQ(known.ask("abc")->body, "abc");
}

class HostList : public Serving {
    std::vector<std::string> hosts() const override { return {"photos.example", "[::1]:8080"}; }
};

TEST_F(HostList, rejects_unserved_host_as_misdirected) {
    for (const char* host : {"evil.example", "photos.example.evil", "127.0.0.1", "[::1]:81"}) {
        RawClient client = connect();
        auto answer = client.ask(std::string{"GET /hello/x HTTP/1.1\r\nHost: "} + host + "\r\n\r\n");
        EXPECT_EQ(answer->status, 421) << host;
        EXPECT_NE(answer->body.find("misdirected"), std::string::npos);
        EXPECT_TRUE(client.at_end());
    }
    for (const char* host : {"photos.example", "PHOTOS.example:443", "[::1]:8080"}) {
        RawClient client = connect();
        EXPECT_EQ(client.ask(std::string{"GET /hello/x HTTP/1.1\r\nHost: "} + host + "\r\n\r\n")->status, 200)
            << host;
    }
}

class SmallBodies : public Serving {
  protected:
    ServerOptions options() const override {
        auto options = Serving::options();
        options.limits.body = 1'000;
        return options;
    }
};

TEST_F(SmallBodies, limits_bodies_of_routes_that_would_take_more) {
    EXPECT_EQ(connect().ask(post("/echo", std::string(1'000, 'x')))->status, 200);
    EXPECT_EQ(connect().ask(post("/echo", std::string(1'001, 'x')))->status, 413);
    const std::string chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(connect().ask(chunked + "3e8\r\n" + std::string(1'000, 'x') + "\r\n0\r\n\r\n")->status, 200);
    EXPECT_EQ(connect().ask(chunked + "3e9\r\n")->status, 413);
    EXPECT_EQ(handled, 2);
}

}  // namespace
}  // namespace photogate::gateway::http::test
