#include "gateway/http/parse_head.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

std::string get(const std::string& fields, const std::string& line = "GET /a HTTP/1.1") {
    return line + "\r\nHost: example.com\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields) {
    return get(fields, "POST /a HTTP/1.1");
}

ErrorCode refusal(const std::string& head) {
    Result<RequestHead> parsed = parse_head(head);
    EXPECT_FALSE(parsed.has_value()) << head;
    return parsed ? ErrorCode::internal : parsed.error().code;
}

TEST(ParseHead, parses_plain_request) {
    auto head = parse_head(
        "POST /v1/uploads/a%20b?x=1&y=a+b HTTP/1.1\r\nHost: h:80\r\nContent-Length: 12\r\nX-A:  v "
        "\t\r\nx-a:w\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, Method::post);
    EXPECT_EQ(head->path, (std::vector<std::string>{"v1", "uploads", "a b"}));
    EXPECT_EQ(head->query, (std::vector<QueryParameter>{{"x", "1"}, {"y", "a b"}}));
    EXPECT_EQ(head->raw_path(), "/v1/uploads/a%20b");
    EXPECT_EQ(std::get<LengthBody>(head->framing).size, 12U);
    EXPECT_EQ(head->headers.find("x-A"), "v");
    EXPECT_EQ(head->headers.all("X-A"), (std::vector<std::string_view>{"v", "w"}));
    EXPECT_EQ(head->persistence, Persistence::keep_alive);
    EXPECT_FALSE(head->headers.find("X-B"));
}

TEST(ParseHead, rejects_transfer_encoding_with_content_length) {
    EXPECT_EQ(refusal(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")), ErrorCode::bad_framing);
    EXPECT_EQ(refusal(post("Content-Length: 5\r\ntransfer-encoding: chunked\r\n")), ErrorCode::bad_framing);
    EXPECT_EQ(refusal(post("Content-Length: 0\r\nTransfer-Encoding: identity\r\n")), ErrorCode::bad_framing);
}

TEST(ParseHead, rejects_any_transfer_encoding_but_chunked) {
    for (const char* value :
         {"gzip", "identity", "xchunked", "chunked, identity", "gzip, chunked", "chunked, chunked", "",
          "Chunked", "\"chunked\"", "chunked;q=1", "chunked,", "\vchunked", "chun ked"}) {
        Result<RequestHead> head = parse_head(post(std::string{"Transfer-Encoding: "} + value + "\r\n"));
        ASSERT_FALSE(head) << value;
        bool control = std::string_view{value}.starts_with('\v');
        EXPECT_EQ(head.error().code,
                  control ? ErrorCode::bad_header : ErrorCode::transfer_encoding_unsupported)
            << value;
    }
    EXPECT_EQ(refusal(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
              ErrorCode::transfer_encoding_unsupported);
    EXPECT_EQ(refusal(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
              ErrorCode::transfer_encoding_unsupported);
    auto head = parse_head(post("Transfer-Encoding: chunked\r\n"));
    ASSERT_TRUE(head);
    EXPECT_TRUE(std::holds_alternative<ChunkedBody>(head->framing));
}

TEST(ParseHead, rejects_chunked_in_http_1_0) {
    EXPECT_EQ(refusal("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"),
              ErrorCode::bad_framing);
}

TEST(ParseHead, rejects_content_length_that_is_not_one_plain_number) {
    for (const char* value : {"3, 3", "3,3", "+3", "-1", "0x3", "100000000000000000000000", "", " ", "3 3",
                              "3.0", "1e3", "three", "9999999999999999999"}) {
        EXPECT_EQ(refusal(post(std::string{"Content-Length: "} + value + "\r\n")), ErrorCode::bad_framing)
            << value;
    }
    EXPECT_EQ(refusal(post("Content-Length: 3\r\nContent-Length: 3\r\n")), ErrorCode::bad_framing);
    EXPECT_EQ(refusal(post("Content-Length: 3\r\ncontent-length: 4\r\n")), ErrorCode::bad_framing);
}

TEST(ParseHead, rejects_ambiguous_header_lines) {
    EXPECT_EQ(refusal(get("X: a\r\n folded\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\r\n\tfolded\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X : a\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X\t: a\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("Content-Length : 5\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get(": a\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("no colon\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X(y): a\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\rb\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\nY: b\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get(std::string{"X: a\0b\r\n", 8})), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get(std::string{"X\0: a\r\n", 7})), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\x01\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\x7f\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal(get("X: a\r\r\n")), ErrorCode::bad_header);
    EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: h\r\n\r\n"), ErrorCode::bad_header);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"), ErrorCode::bad_header);
    EXPECT_TRUE(parse_head(get("X: caf\xc3\xa9\t!\r\n")));
}

TEST(ParseHead, requires_exactly_one_well_formed_host) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), ErrorCode::bad_host);
    EXPECT_EQ(refusal("GET / HTTP/1.0\r\n\r\n"), ErrorCode::bad_host);
    EXPECT_EQ(refusal(get("Host: example.com\r\n")), ErrorCode::bad_host);
    for (const char* host : {"", "a b", "a,b", "user@h", "h/", "h:port", "h:123456", "[::1", "[]", "[::1]x",
                             "h?x", "h#", "http://h", "h\\x", "::1"}) {
        EXPECT_EQ(refusal(std::string{"GET / HTTP/1.1\r\nHost: "} + host + "\r\n\r\n"), ErrorCode::bad_host)
            << host;
    }
    for (const char* host :
         {"h", "H.example", "127.0.0.1:9000", "[::1]", "[::ffff:1.2.3.4]:80", "minio_1:9000", "h:"}) {
        EXPECT_TRUE(parse_head(std::string{"GET / HTTP/1.1\r\nHost: "} + host + "\r\n\r\n")) << host;
    }
}

TEST(ParseHead, accepts_only_plain_path_as_target) {
    for (const char* target : {"http://example.com/",
                               "https://example.com/a",
                               "example.com:443",
                               "*",
                               "a",
                               "?x",
                               "//a",
                               "/a//b",
                               "/a\\b",
                               "/a#b",
                               "/%00",
                               "/%2e%2e/x",
                               "/%2E./x",
                               "/../x",
                               "/.",
                               "/a/./b",
                               "/a/..",
                               "/%zz",
                               "/%4",
                               "/%",
                               "/a\x01",
                               "/a\x7f",
                               "/\xc3\xa9",
                               "/%ff",
                               "/%5c",
                               "/%0d%0aX",
                               "/?a=%00",
                               "/?a=%f",
                               "/?a=%ff",
                               "/\"x\"",
                               "/<a>"}) {
        EXPECT_EQ(refusal(std::string{"GET "} + target + " HTTP/1.1\r\nHost: h\r\n\r\n"),
                  ErrorCode::bad_target)
            << target;
    }
    EXPECT_EQ(refusal("CONNECT example.com:443 HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::bad_target);
    EXPECT_EQ(refusal("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::bad_target);
    EXPECT_EQ(refusal("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::bad_target);
    EXPECT_TRUE(parse_head("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"));
}

TEST(ParseHead, accepts_only_standard_case_sensitive_methods) {
    for (const char* method :
         {"get", "Post", "PROPFIND", "GETX", "G", "M-SEARCH", "PATCHPATCHPATCHPATCHPATCHPATCH"}) {
        EXPECT_EQ(refusal(std::string{method} + " / HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::method_unknown)
            << method;
    }
    EXPECT_EQ(refusal("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::bad_request);
    EXPECT_EQ(refusal(" / HTTP/1.1\r\nHost: h\r\n\r\n"), ErrorCode::bad_request);
}

TEST(ParseHead, rejects_other_protocols_as_bad_request) {
    EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\n"), ErrorCode::bad_request);
    for (const char* line : {"GET /", "GET", "GET / HTTP/1.2", "GET / HTTP/2", "GET / http/1.1",
                             "GET / HTTP/1.1 ", "GET / HTTP/01.1", "GET / XTTP/1.1", ""}) {
        EXPECT_EQ(refusal(get("", line)), ErrorCode::bad_request) << line;
    }
}

TEST(ParseHead, bounds_sizes) {
    EXPECT_EQ(refusal("GET /" + std::string(2'048, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"),
              ErrorCode::target_too_long);
    EXPECT_TRUE(parse_head("GET /" + std::string(2'047, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_EQ(refusal(get("X: " + std::string(16'384, 'a') + "\r\n")), ErrorCode::headers_too_large);
    EXPECT_TRUE(parse_head(get("X: " + std::string(16'000, 'a') + "\r\n")));
    const auto rest = get("X: \r\n").size();
    EXPECT_TRUE(parse_head(get("X: " + std::string(16'384 - rest, 'a') + "\r\n")));
    EXPECT_EQ(refusal(get("X: " + std::string(16'385 - rest, 'a') + "\r\n")), ErrorCode::headers_too_large);
    std::string many;
    for (int i = 0; i < 63; ++i)
        many += "X" + std::to_string(i) + ": a\r\n";
    EXPECT_TRUE(parse_head(get(many)));
    EXPECT_EQ(refusal(get(many + "Y: a\r\n")), ErrorCode::headers_too_large);
}

TEST(ParseHead, bounds_request_line_and_headers_together) {
    const HeadLimits limits{.bytes = 1'024};
    const auto head = [](std::size_t target, std::size_t field) {
        return get("X: " + std::string(field, 'a') + "\r\n",
                   "GET /" + std::string(target, 'a') + " HTTP/1.1");
    };
    const auto rest = head(0, 0).size();
    for (const std::size_t target : {0, 300, 600}) {
        EXPECT_TRUE(parse_head(head(target, 1'024 - rest - target), limits)) << target;
        const auto refused = parse_head(head(target, 1'025 - rest - target), limits);
        ASSERT_FALSE(refused) << target;
        EXPECT_EQ(refused.error().code, ErrorCode::headers_too_large) << target;
    }
    // Also before the line's end has come, though the target alone would be permitted.
    std::size_t scanned = 0;
    const auto endless = find_head_end("GET /" + std::string(1'100, 'a'), scanned, limits);
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().code, ErrorCode::headers_too_large);
}

TEST(ParseHead, rejects_body_for_methods_without_one) {
    for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}) {
        std::string line = std::string{method} + " /a HTTP/1.1";
        EXPECT_EQ(refusal(get("Content-Length: 1\r\n", line)), ErrorCode::unexpected_body) << method;
        EXPECT_EQ(refusal(get("Transfer-Encoding: chunked\r\n", line)), ErrorCode::unexpected_body) << method;
        EXPECT_TRUE(parse_head(get("Content-Length: 0\r\n", line))) << method;
    }
}

TEST(ParseHead, accepts_only_100_continue_as_expectation) {
    EXPECT_EQ(refusal(post("Expect: 200-ok\r\n")), ErrorCode::expectation_failed);
    EXPECT_EQ(refusal(post("Expect: 100-continue, x\r\n")), ErrorCode::expectation_failed);
    EXPECT_TRUE(parse_head(post("Expect: 100-Continue\r\n"))->expects_continue);
    EXPECT_TRUE(parse_head(post("Expect:\r\n")));
    EXPECT_FALSE(parse_head(post("Expect: \r\n"))->expects_continue);
    EXPECT_FALSE(parse_head("POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\n\r\n")->expects_continue);
}

TEST(ParseHead, derives_persistence_from_version_and_connection) {
    EXPECT_EQ(parse_head(get("Connection: close\r\n"))->persistence, Persistence::close);
    EXPECT_EQ(parse_head(get("Connection: keep-alive, CLOSE\r\n"))->persistence, Persistence::close);
    EXPECT_EQ(parse_head("GET / HTTP/1.0\r\nHost: h\r\n\r\n")->persistence, Persistence::close);
    EXPECT_EQ(parse_head("GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n")->persistence,
              Persistence::keep_alive);
}

TEST(ParseHead, lets_close_win_and_ignores_proxy_connection) {
    const auto persistence = [](const std::string& fields) {
        return parse_head("GET / HTTP/1.0\r\nHost: h\r\n" + fields + "\r\n")->persistence;
    };
    EXPECT_EQ(persistence("Connection: keep-alive, close\r\n"), Persistence::close);
    EXPECT_EQ(persistence("Connection: close\r\nConnection: keep-alive\r\n"), Persistence::close);
    EXPECT_EQ(persistence("Proxy-Connection: keep-alive\r\n"), Persistence::close);
}

TEST(ParseHead, accepts_only_list_of_words_as_connection) {
    for (const char* value : {"", "close", ", close,", "Upgrade, HTTP2-Settings", "keep-alive ,\tTE"})
        EXPECT_TRUE(parse_head(get(std::string{"Connection: "} + value + "\r\n"))) << value;
    for (const char* value : {"keep alive", "close;q=1", "\"close\"", "@"})
        EXPECT_EQ(refusal(get(std::string{"Connection: "} + value + "\r\n")), ErrorCode::bad_header) << value;
}

TEST(FindHeadEnd, finds_end_wherever_the_bytes_are_split) {
    const std::string head = get("X: y\r\n");
    for (std::size_t cut = 0; cut <= head.size(); ++cut) {
        std::size_t scanned = 0;
        auto first = find_head_end(std::string_view{head}.substr(0, cut), scanned);
        ASSERT_TRUE(first);
        EXPECT_EQ(first->has_value(), cut == head.size());
        auto whole = find_head_end(head + "rest", scanned);
        ASSERT_TRUE(whole);
        EXPECT_EQ(whole->value_or(0), head.size()) << cut;
    }
}

TEST(FindHeadEnd, rejects_hopeless_head_before_it_is_complete) {
    auto refused = [](const std::string& bytes) {
        std::size_t scanned = 0;
        auto end = find_head_end(bytes, scanned);
        return end ? ErrorCode::internal : end.error().code;
    };
    EXPECT_EQ(refused("\x16\x03\x01"), ErrorCode::bad_request);
    EXPECT_EQ(refused(std::string(1, '\0')), ErrorCode::bad_request);
    EXPECT_EQ(refused("\n"), ErrorCode::bad_request);
    EXPECT_EQ(refused("GET / HTTP/1.1\n"), ErrorCode::bad_header);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: h\n"), ErrorCode::bad_header);
    EXPECT_EQ(refused("GET /" + std::string(3'000, 'a')), ErrorCode::target_too_long);
    EXPECT_EQ(refused(std::string(3'000, 'A')), ErrorCode::method_unknown);
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nX: " + std::string(17'000, 'a')), ErrorCode::headers_too_large);
}

TEST(ParseHead, survives_arbitrary_bytes) {
    const std::string head =
        "POST /a/b?c=d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
    std::uint64_t dice = 1;
    auto roll = [&] {
        return static_cast<std::uint32_t>((dice = dice * 6364136223846793005ULL + 1442695040888963407ULL) >>
                                          33);
    };
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = head;
        for (std::uint32_t n = roll() % 3 + 1; n > 0; --n) {
            std::size_t at = roll() % bytes.size();
            switch (roll() % 3) {
                case 0:
                    bytes[at] = static_cast<char>(roll());
                    break;
                case 1:
                    bytes.erase(at, 1);
                    break;
                default:
                    bytes.insert(at, 1, static_cast<char>(roll()));
                    break;
            }
        }
        auto parsed = parse_head(bytes);
        if (!parsed) continue;
        EXPECT_EQ(parsed->target.find_first_of("\r\n ", 0, 3), std::string::npos);
        EXPECT_EQ(parsed->headers.count("Host"), 1U);
        for (std::size_t f = 0; f < parsed->headers.size(); ++f) {
            EXPECT_EQ(parsed->headers.at(f).value.find_first_of(std::string_view{"\r\n\0", 3}),
                      std::string_view::npos);
        }
    }
}

}  // namespace
}  // namespace photogate::gateway::http
