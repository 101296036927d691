// Rows B1 to B20 of the bad-input table, byte for byte against the real server.
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

struct Row {
    const char* name;
    std::string bytes;
    int status;
    const char* code;
};

std::string lines(std::string_view first, std::string_view fields) {
    return std::string{first} + "\r\n" + std::string{fields} + "\r\n";
}
std::string target(std::string_view text) {
    return "GET " + std::string{text} + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

std::vector<Row> closing_rows() {
    const std::string p = "POST /echo HTTP/1.1";
    const std::string g = "GET /hello/x HTTP/1.1";
    std::string many = "Host: h\r\n";
    for (int i = 0; i < 64; ++i)
        many += "X-" + std::to_string(i) + ": v\r\n";
    return {
        {"B1", lines(p, "Host: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400,
         "bad_framing"},
        {"B1 reversed", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "abc",
         400, "bad_framing"},
        {"B2 gzip", lines(p, "Host: h\r\nTransfer-Encoding: gzip\r\n"), 501, "transfer_encoding_unsupported"},
        {"B2 identity", lines(p, "Host: h\r\nTransfer-Encoding: identity\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 xchunked", lines(p, "Host: h\r\nTransfer-Encoding: xchunked\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B2 list", lines(p, "Host: h\r\nTransfer-Encoding: chunked, identity\r\n"), 501,
         "transfer_encoding_unsupported"},
        {"B3", lines("POST /echo HTTP/1.0", "Host: h\r\nTransfer-Encoding: chunked\r\n"), 400, "bad_framing"},
        {"B4 equal", lines(p, "Host: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n") + "abc", 400,
         "bad_framing"},
        {"B4 unequal", lines(p, "Host: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n") + "abc", 400,
         "bad_framing"},
        {"B4 list", lines(p, "Host: h\r\nContent-Length: 3, 3\r\n") + "abc", 400, "bad_framing"},
        {"B5 plus", lines(p, "Host: h\r\nContent-Length: +3\r\n") + "abc", 400, "bad_framing"},
        {"B5 minus", lines(p, "Host: h\r\nContent-Length: -1\r\n"), 400, "bad_framing"},
        {"B5 hex", lines(p, "Host: h\r\nContent-Length: 0x3\r\n") + "abc", 400, "bad_framing"},
        {"B5 huge", lines(p, "Host: h\r\nContent-Length: 100000000000000000000000\r\n"), 400, "bad_framing"},
        {"B6 obs-fold", lines(g, "Host: h\r\nX: a\r\n b\r\n"), 400, "bad_header"},
        {"B6 space before colon", lines(g, "Host: h\r\nX : a\r\n"), 400, "bad_header"},
        {"B6 NUL", lines(g, std::string_view{"Host: h\r\nX: a\0b\r\n", 17}), 400, "bad_header"},
        {"B6 bare CR", lines(g, "Host: h\r\nX: a\rb\r\n"), 400, "bad_header"},
        {"B6 bare LF", "GET /hello/x HTTP/1.1\nHost: h\n\n", 400, "bad_header"},
        {"B6 bare LF in the middle", lines(g, "Host: h\r\nX: a\nY: b\r\n"), 400, "bad_header"},
        {"B7 none", lines(g, ""), 400, "bad_host"},
        {"B7 two", lines(g, "Host: h\r\nHost: h\r\n"), 400, "bad_host"},
        {"B8 absolute", target("http://h/hello/x"), 400, "bad_target"},
        {"B8 authority", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 400, "bad_target"},
        {"B8 star", target("*"), 400, "bad_target"},
        {"B9 control", target("/hello/\x01"), 400, "bad_target"},
        {"B9 non-ASCII", target("/hello/\xc3\xa9"), 400, "bad_target"},
        {"B9 NUL escape", target("/hello/%00"), 400, "bad_target"},
        {"B9 dots", target("/hello/%2e%2e"), 400, "bad_target"},
        {"B9 plain dots", target("/hello/../x"), 400, "bad_target"},
        {"B9 double slash", target("//hello/x"), 400, "bad_target"},
        {"B9 backslash", target("/hello\\x"), 400, "bad_target"},
        {"B10 lower", "get /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_unknown"},
        {"B10 unknown", "BREW /hello/x HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method_unknown"},
        {"B13 bytes", lines(g, "Host: h\r\nX: " + std::string(9'000, 'a') + "\r\n"), 431,
         "headers_too_large"},
        {"B13 fields", lines(g, many), 431, "headers_too_large"},
        {"B13 endless", "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'a'), 431, "headers_too_large"},
        {"B14", target("/hello/" + std::string(2'050, 'a')), 414, "target_too_long"},
        {"B14 endless", "GET /" + std::string(70'000, 'a'), 414, "target_too_long"},
        {"B15 length", lines(p, "Host: h\r\nContent-Length: 65537\r\n"), 413, "body_too_large"},
        {"B15 chunked", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "10001\r\n", 413,
         "body_too_large"},
        {"B15 no body here", "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 413,
         "body_too_large"},
        {"B16 GET", lines(g, "Host: h\r\nContent-Length: 3\r\n") + "abc", 400, "unexpected_body"},
        {"B16 DELETE", "DELETE /hello/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 400,
         "unexpected_body"},
        {"B16 chunked", lines(g, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400,
         "unexpected_body"},
        {"B19 HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"},
        {"B19 TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400, "bad_request"},
        {"B20", lines(p, "Host: h\r\nContent-Length: 3\r\nExpect: 200-maybe\r\n"), 417, "expectation_failed"},
        {"chunk framing", lines(p, "Host: h\r\nTransfer-Encoding: chunked\r\n") + "3\r\nabcd\r\n", 400,
         "bad_framing"},
    };
}

class BadInput : public Serving {};

TEST_F(BadInput, Each_row_is_refused_with_its_code_and_ends_the_connection) {
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

TEST_F(BadInput, B16_a_head_with_a_body_is_refused_without_one) {
    RawClient client = connect();
    auto answer =
        client.ask("HEAD /hello/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", Expecting::no_body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 400);
}

TEST_F(BadInput, B11_B12_unknown_paths_and_methods_keep_the_connection) {
    RawClient client = connect();
    EXPECT_EQ(client.ask(get("/nowhere"))->status, 404);
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

TEST_F(BadInput, A_refused_body_is_never_read_and_ends_the_connection) {
    RawClient client = connect();
    auto answer = client.ask(
        "POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nGET /hello/x HTTP/1.1\r\nHost: "
        "h\r\n\r\n");
    EXPECT_EQ(answer->status, 404);
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, A_body_over_the_limit_is_refused_while_it_is_being_sent) {
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    client.send(std::string(3'000'000, 'x'));
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 413);
    EXPECT_EQ(handled, 0);
}

TEST_F(BadInput, Credentials_are_refused_before_the_body) {
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

TEST_F(HostList, B7_other_hosts_are_misdirected) {
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

}  // namespace
}  // namespace photogate::gateway::http::test
