#include "storage/http/http_client.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "storage/http/body_source.hpp"
#include "tests/support/fault_server.hpp"

namespace photogate::storage::http {
namespace {

using test::answer;
using test::FaultServer;
using test::Script;

Request get(const std::string& url) {
    Request request;
    request.url = url;
    return request;
}

TEST(HttpClient, sends_url_byte_for_byte_as_signed) {
    FaultServer server{{answer(200, "")}};
    HttpClient client{{}};
    const std::string target = "/b//a/./../c%2Fd%20e~'()*!?x=%2B&y=a%2Fb&z";
    ASSERT_TRUE(client.send(get(server.url() + target)));
    EXPECT_EQ(server.seen().at(0).target, target);
    EXPECT_EQ(server.seen().at(0).header("host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(server.seen().at(0).header("user-agent"), "photogate");
}

TEST(HttpClient, sends_body_with_length_without_waiting_for_100) {
    FaultServer server{{answer(200, "ok")}};
    HttpClient client{{}};
    const std::string body(3'000'000, 'b');
    const MemorySource source{std::string_view{body}};
    Request request = get(server.url() + "/k");
    request.method = "PUT";
    request.source = &source;
    request.headers = {{"Content-Type", "image/jpeg"}, {"x-empty", ""}};
    const auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->body, "ok");
    const auto seen = server.seen().at(0);
    EXPECT_EQ(seen.method, "PUT");
    EXPECT_EQ(seen.body, body);
    EXPECT_EQ(seen.header("content-length"), "3000000");
    EXPECT_EQ(seen.header("content-type"), "image/jpeg");
    EXPECT_EQ(seen.header("expect"), "");
    EXPECT_EQ(seen.header("transfer-encoding"), "");
    EXPECT_NE(seen.head.find("x-empty:"), std::string::npos);
}

TEST(HttpClient, sends_zero_length_for_empty_put_or_post) {
    FaultServer server{{answer(200, "")}};
    HttpClient client{{}};
    for (const char* method : {"PUT", "POST"}) {
        Request request = get(server.url() + "/k");
        request.method = method;
        ASSERT_TRUE(client.send(request));
        EXPECT_EQ(server.seen().back().method, method);
        EXPECT_EQ(server.seen().back().header("content-length"), "0");
    }
}

TEST(HttpClient, sends_methods_as_named_and_reads_no_body_for_head) {
    FaultServer server{{{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}, answer(204, ""), answer(200, "")}};
    HttpClient client{{}};
    for (const char* method : {"HEAD", "DELETE", "GET"}) {
        Request request = get(server.url() + "/k");
        request.method = method;
        const auto response = client.send(request);
        ASSERT_TRUE(response) << method;
        EXPECT_EQ(response->body, "");
        EXPECT_EQ(server.seen().back().method, method);
    }
}

TEST(HttpClient, reuses_connection_for_next_request) {
    FaultServer server{{answer(200, "a")}};
    HttpClient client{{}};
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(client.send(get(server.url() + "/")));
    EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, resets_options_between_requests) {
    FaultServer server{{answer(200, "")}};
    HttpClient client{{}};
    Request first = get(server.url() + "/");
    first.method = "PUT";
    first.body = "body";
    first.headers = {{"x-first", "1"}};
    ASSERT_TRUE(client.send(first));
    ASSERT_TRUE(client.send(get(server.url() + "/")));
    EXPECT_EQ(server.seen().at(1).method, "GET");
    EXPECT_EQ(server.seen().at(1).header("x-first"), "");
    EXPECT_EQ(server.seen().at(1).header("content-length"), "");
}

TEST(HttpClient, returns_redirects_as_responses) {
    FaultServer server{{answer(307, "", "Location: /elsewhere\r\n")}};
    HttpClient client{{}};
    const auto response = client.send(get(server.url() + "/"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 307);
    EXPECT_EQ(server.seen().size(), 1U);
}

TEST(HttpClient, ignores_proxy_of_the_environment) {
    FaultServer server{{answer(200, "")}};
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    ::setenv("all_proxy", "http://127.0.0.1:1", 1);
    HttpClient client{{}};
    const auto response = client.send(get(server.url() + "/"));
    ::unsetenv("http_proxy");
    ::unsetenv("all_proxy");
    EXPECT_TRUE(response);
}

TEST(HttpClient, returns_final_headers_with_case_insensitive_names) {
    FaultServer server{
        {{"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Created\r\neTaG:  \"x\" "
          "\r\nContent-Length: 0\r\n\r\n"}}};
    HttpClient client{{}};
    const auto response = client.send(get(server.url() + "/"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 201);
    ASSERT_NE(response->header("ETag"), nullptr);
    EXPECT_EQ(*response->header("ETag"), "\"x\"");
    EXPECT_EQ(response->header("X-Early"), nullptr);
}

TEST(HttpClient, passes_success_body_to_sink_and_error_body_to_string) {
    FaultServer server{{answer(404, "<Error/>"), answer(200, "bytes")}};
    HttpClient client{{}};
    std::string sunk;
    Request request = get(server.url() + "/");
    request.sink = [&](BytesView bytes) {
        sunk += as_text(bytes);
        return true;
    };
    EXPECT_EQ(client.send(request)->body, "<Error/>");
    EXPECT_EQ(sunk, "");
    EXPECT_EQ(client.send(request)->body, "");
    EXPECT_EQ(sunk, "bytes");
}

TEST(HttpClient, stops_transfer_when_sink_or_accept_declines) {
    FaultServer server{{answer(200, std::string(500'000, 'x'))}};
    HttpClient client{{}};
    int calls = 0;
    Request request = get(server.url() + "/");
    request.sink = [&](BytesView) { return ++calls < 2; };
    EXPECT_EQ(client.send(request).error().code, ErrorCode::http_broken);
    EXPECT_EQ(calls, 2);
    request.accept = [](const Response& response) { return response.header("x-wanted") != nullptr; };
    EXPECT_EQ(client.send(request).error().code, ErrorCode::http_broken);
    EXPECT_EQ(calls, 2);
}

TEST(HttpClient, propagates_sink_exception_and_stays_usable) {
    FaultServer server{{answer(200, "x")}};
    HttpClient client{{}};
    Request request = get(server.url() + "/");
    request.sink = [](BytesView) -> bool { throw std::logic_error{"mine"}; };
    EXPECT_THROW((void)client.send(request), std::logic_error);
    EXPECT_TRUE(client.send(get(server.url() + "/")));
}

TEST(HttpClient, shows_address_to_guard_and_never_connects_if_rejected) {
    FaultServer server{{answer(200, "")}};
    ClientOptions options;
    std::vector<std::uint32_t> looked_at;
    options.guard = [&](const sockaddr& address) {
        looked_at.push_back(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
        return false;
    };
    HttpClient client{options};
    const auto response = client.send(get(server.url() + "/"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::http_blocked);
    EXPECT_EQ(looked_at, std::vector<std::uint32_t>{INADDR_LOOPBACK});
    EXPECT_EQ(server.connections(), 0U);
}

TEST(HttpClient, blocks_ports_other_than_the_permitted_one) {
    FaultServer server{{answer(200, "")}};
    ClientOptions options;
    options.only_port = 443;
    EXPECT_EQ(HttpClient{options}.send(get(server.url() + "/")).error().code, ErrorCode::http_blocked);
    options.only_port = server.port();
    EXPECT_TRUE(HttpClient{options}.send(get(server.url() + "/")));
}

TEST(HttpClient, rejects_other_schemes_and_user_info) {
    HttpClient client{{}};
    for (const char* url :
         {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://user:secret@127.0.0.1/"}) {
        const auto response = client.send(get(url));
        ASSERT_FALSE(response) << url;
        EXPECT_EQ(response.error().code, ErrorCode::http_blocked) << url;
        EXPECT_EQ(response.error().detail.find("secret"), std::string::npos);
    }
}

TEST(HttpClient, rejects_line_breaks_in_request_parts) {
    FaultServer server{{answer(200, "")}};
    HttpClient client{{}};
    Request request = get(server.url() + "/");
    for (const HeaderField& field :
         {HeaderField{"x-a", "1\r\nx-b: 2"}, HeaderField{"x-a\r\nx-b", "1"}, HeaderField{"x a", "1"},
          HeaderField{"", "1"}, HeaderField{"x-a", std::string{"1\0", 2}}}) {
        request.headers = {field};
        EXPECT_EQ(client.send(request).error().code, ErrorCode::invalid_field);
    }
    EXPECT_EQ(client.send(get(server.url() + "/ HTTP/1.1\r\nx: y")).error().code, ErrorCode::invalid_field);
    Request method = get(server.url() + "/");
    method.method = "GET / HTTP/1.1\r\n";
    EXPECT_EQ(client.send(method).error().code, ErrorCode::invalid_field);
    EXPECT_EQ(server.connections(), 0U);
}

TEST(HttpClient, is_shared_by_many_threads) {
    FaultServer server{{answer(200, "shared")}};
    HttpClient client{{}};
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 25; ++j) {
                const auto response = client.send(get(server.url() + "/"));
                if (response && response->body == "shared") ++right;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(right, 200);
    EXPECT_LE(server.connections(), 8U);
}

}  // namespace
}  // namespace photogate::storage::http
