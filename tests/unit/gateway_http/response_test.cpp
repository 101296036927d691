#include <gtest/gtest.h>

#include "gateway/http/parse_head.hpp"
#include "gateway/http/responder.hpp"
#include "gateway/http/response_head.hpp"

namespace photogate::gateway::http {
namespace {

std::string head_of(const Response& response, std::vector<HeaderField> extra = {}) {
    std::string out;
    append_head(out, response, {Coding::length, 3}, {.request_id = "id", .date = "now", .extra = extra});
    return out;
}

TEST(ResponseHead, lets_route_override_safe_defaults) {
    std::string plain = head_of(Response::json(201, "abc"));
    EXPECT_TRUE(
        plain.starts_with("HTTP/1.1 201 Created\r\nServer: photogate\r\nDate: now\r\nX-Request-Id: id\r\n"));
    EXPECT_NE(plain.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
    EXPECT_NE(plain.find("Cache-Control: no-store\r\n"), std::string::npos);
    EXPECT_NE(plain.find("Content-Security-Policy: default-src 'none'\r\n"), std::string::npos);
    EXPECT_TRUE(plain.ends_with("Content-Length: 3\r\n\r\n"));
    std::string cached = head_of(Response::json(200, "abc").set("cache-control", "public"));
    EXPECT_EQ(cached.find("no-store"), std::string::npos);
}

TEST(ResponseHead, reason_of_its_own_ends_no_line) {
    auto response = Response::text(422, "abc");
    response.reason = "too large\r\nSet-Cookie: a=b\xc3\xa9";
    EXPECT_TRUE(head_of(response).starts_with("HTTP/1.1 422 too large??Set-Cookie: a=b??\r\nServer: "))
        << head_of(response);
}

TEST(ResponseHead, rejects_header_values_that_split_a_response) {
    Response response = Response::text(200, "abc");
    response.set("Location", "/x\r\nSet-Cookie: a=b\r\n\r\n<html>");
    response.set("Bad Name", "x")
        .set("Bad\r\nName", "x")
        .set("Content-Length", "999")
        .set("Transfer-Encoding", "chunked");
    std::string head = head_of(response, {{"Vary", "Origin\nX: y"}});
    EXPECT_NE(head.find("Location: /x  Set-Cookie: a=b    <html>\r\n"), std::string::npos) << head;
    EXPECT_EQ(head.find("Bad"), std::string::npos);
    EXPECT_EQ(head.find("999"), std::string::npos);
    EXPECT_EQ(head.find("chunked"), std::string::npos);
    EXPECT_NE(head.find("Vary: Origin X: y\r\n"), std::string::npos);
    EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4);
}

TEST(Response, adds_headers_required_by_problem_status) {
    EXPECT_EQ(*Response::problem({ErrorCode::unauthenticated, ""}).find("WWW-Authenticate"),
              "Bearer realm=\"photogate\"");
    EXPECT_EQ(*Response::problem({ErrorCode::overloaded, ""}).find("Retry-After"), "1");
    EXPECT_EQ(
        *Response::problem({ErrorCode::rate_limited, "", {}, std::chrono::seconds{7}}).find("Retry-After"),
        "7");
    EXPECT_EQ(Response::problem({ErrorCode::not_found, ""}).find("Retry-After"), nullptr);
}

TEST(Responder, answers_once_and_sends_500_when_dropped) {
    std::vector<int> statuses;
    auto note = [&](Response response) { statuses.push_back(response.status); };
    {
        Responder responder = Responder::to(note);
        responder.respond(Response::empty(204));
        responder.respond(Response::empty(200));
    }
    { Responder dropped = Responder::to(note); }
    {
        Responder first = Responder::to(note);
        Responder second = std::move(first);
        second.reply(fail(ErrorCode::not_found, ""));
    }
    EXPECT_EQ(statuses, (std::vector<int>{204, 500, 404}));
}

}  // namespace
}  // namespace photogate::gateway::http
