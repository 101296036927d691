// What goes wrong on the way, and which error it becomes.
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "storage/http/body_source.hpp"
#include "storage/http/http_client.hpp"
#include "tests/support/fault_server.hpp"

namespace photogate::storage::http {
namespace {

using test::answer;
using test::FaultServer;
using test::Script;
using Then = test::Script::Then;

ErrorCode code_of(const Result<Response>& response) {
    return response ? ErrorCode::internal : response.error().code;
}

Request get(const std::string& url) {
    Request request;
    request.url = url;
    return request;
}

TEST(HttpFaults, reports_short_body_as_broken) {
    FaultServer server{{{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Then::close}}};
    EXPECT_EQ(code_of(HttpClient{{}}.send(get(server.url() + "/"))), ErrorCode::http_broken);
}

TEST(HttpFaults, reports_unfinished_chunked_body_as_broken) {
    FaultServer server{{{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Then::close}}};
    EXPECT_EQ(code_of(HttpClient{{}}.send(get(server.url() + "/"))), ErrorCode::http_broken);
}

TEST(HttpFaults, reports_garbage_and_silence_as_broken) {
    for (const char* bytes : {"", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc\r\n\r\n", "\x16\x03\x01"}) {
        FaultServer server{{{bytes, Then::close}}};
        EXPECT_EQ(code_of(HttpClient{{}}.send(get(server.url() + "/"))), ErrorCode::http_broken) << bytes;
    }
    FaultServer reset{{{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Then::reset}}};
    EXPECT_EQ(code_of(HttpClient{{}}.send(get(reset.url() + "/"))), ErrorCode::http_broken);
}

TEST(HttpFaults, times_out_at_first_byte_when_server_is_silent) {
    FaultServer server{{{"", Then::hang}}};
    Request request = get(server.url() + "/");
    request.first_byte_timeout = std::chrono::milliseconds{50};
    EXPECT_EQ(code_of(HttpClient{{}}.send(request)), ErrorCode::http_timeout);
    request.method = "PUT";
    request.body = "sent whole";
    EXPECT_EQ(code_of(HttpClient{{}}.send(request)), ErrorCode::http_timeout);
}

TEST(HttpFaults, times_out_in_total_on_endless_response) {
    FaultServer server{{{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Then::hang}}};
    Request request = get(server.url() + "/");
    request.total_timeout = std::chrono::milliseconds{100};
    EXPECT_EQ(code_of(HttpClient{{}}.send(request)), ErrorCode::http_timeout);
}

TEST(HttpFaults, reports_refused_connection_unknown_host_and_missing_tls) {
    std::uint16_t port = 0;
    {
        const FaultServer gone{{answer(200, "")}};
        port = gone.port();
    }
    HttpClient client{{}};
    EXPECT_EQ(code_of(client.send(get("http://127.0.0.1:" + std::to_string(port) + "/"))),
              ErrorCode::http_connect);
    EXPECT_EQ(code_of(client.send(get("http://name.invalid/"))), ErrorCode::http_dns);
    FaultServer plain{{{"this is not TLS", Then::close}}};
    EXPECT_EQ(code_of(client.send(get("https://127.0.0.1:" + std::to_string(plain.port()) + "/"))),
              ErrorCode::http_tls);
}

TEST(HttpFaults, serves_next_request_after_failure) {
    FaultServer server{{answer(200, "")}};
    ClientOptions options;
    options.kept_handles = 1;
    HttpClient client{options};
    for (const char* url : {"http://name.invalid/", "http://127.0.0.1:1/", "ftp://127.0.0.1/"}) {
        EXPECT_FALSE(client.send(get(url)));
        EXPECT_TRUE(client.send(get(server.url() + "/"))) << url;
    }
}

TEST(HttpFaults, rejects_or_truncates_long_response_as_requested) {
    FaultServer server{{answer(500, std::string(100'000, 'x'))}};
    HttpClient client{{}};
    Request request = get(server.url() + "/");
    request.max_response_body = 1'000;
    EXPECT_EQ(code_of(client.send(request)), ErrorCode::store_protocol);
    request.cut_long_body = true;
    const auto cut = client.send(request);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->status, 500);
    EXPECT_EQ(cut->body.size(), 1'000U);
    request.max_response_body = 100'000;
    EXPECT_EQ(client.send(request)->body.size(), 100'000U);
}

TEST(HttpFaults, reports_endless_headers_as_broken) {
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 3'000; ++i)
        many += "X-Filler-" + std::to_string(i) + ": " + std::string(40, 'x') + "\r\n";
    FaultServer server{{{many + "Content-Length: 0\r\n\r\n"}}};
    EXPECT_EQ(code_of(HttpClient{{}}.send(get(server.url() + "/"))), ErrorCode::http_broken);
}

TEST(HttpFaults, replaces_dead_connection_and_resends_the_body) {
    FaultServer server{{{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Then::close}}};
    HttpClient client{{}};
    const std::string body(200'000, 'r');
    const MemorySource source{std::string_view{body}};
    for (int i = 0; i < 3; ++i) {
        Request request = get(server.url() + "/");
        request.method = "PUT";
        request.source = &source;
        ASSERT_TRUE(client.send(request));
        EXPECT_EQ(server.seen().back().body, body);
    }
    EXPECT_EQ(server.connections(), 3U);
}

TEST(HttpFaults, returns_response_sent_before_the_body_was_read) {
    FaultServer server{
        {{"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", Then::hang, false}}};
    const std::string body(20'000'000, 'r');
    const MemorySource source{std::string_view{body}};
    Request request = get(server.url() + "/");
    request.method = "PUT";
    request.source = &source;
    const auto response = HttpClient{{}}.send(request);
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->status, 403);
}

TEST(HttpFaults, reports_failing_source_as_file_error) {
    struct Broken final : BodySource {
        std::uint64_t size() const override { return 10; }
        std::optional<std::size_t> read(std::uint64_t, std::span<std::uint8_t>) const override {
            return std::nullopt;
        }
    } const broken;
    FaultServer server{{answer(200, "")}};
    Request request = get(server.url() + "/");
    request.method = "PUT";
    request.source = &broken;
    EXPECT_EQ(code_of(HttpClient{{}}.send(request)), ErrorCode::file_error);
}

}  // namespace
}  // namespace photogate::storage::http
