#include "gateway/http/json_only.hpp"

#include <string>

#include <gtest/gtest.h>

#include "gateway/http/parse_head.hpp"

namespace photogate::gateway::http {
namespace {

Result<PrincipalPtr> anyone(const RequestHead&, const PathParameters&) {
    return nullptr;
}

/// nullopt: taken.
std::optional<ErrorCode> refusal(const std::string& fields, const HeadCheck& check = anyone) {
    const auto taken = json_only(check)(*parse_head("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"), {});
    return taken ? std::nullopt : std::optional{taken.error().code};
}

TEST(JsonOnly, accepts_only_a_json_body) {
    for (const char* type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                             "application/json ;charset=utf-8"})
        EXPECT_EQ(refusal("Content-Type: " + std::string{type} + "\r\n"), std::nullopt) << type;
    for (const char* type : {"text/json", "application/jsonx", "application/x-www-form-urlencoded"})
        EXPECT_EQ(refusal("Content-Type: " + std::string{type} + "\r\n"), ErrorCode::unsupported_media_type)
            << type;
    EXPECT_EQ(refusal(""), ErrorCode::unsupported_media_type);
}

TEST(JsonOnly, refuses_a_client_that_does_not_take_json) {
    const std::string json = "Content-Type: application/json\r\n";
    for (const char* accept :
         {"*/*", "application/*", "application/json", "text/html, application/json;q=0.9"})
        EXPECT_EQ(refusal(json + "Accept: " + accept + "\r\n"), std::nullopt) << accept;
    for (const char* accept : {"text/html", "text/*, image/png"})
        EXPECT_EQ(refusal(json + "Accept: " + accept + "\r\n"), ErrorCode::not_acceptable) << accept;
}

TEST(JsonOnly, asks_who_calls_first) {
    const auto nobody = [](const RequestHead&, const PathParameters&) -> Result<PrincipalPtr> {
        return fail(ErrorCode::unauthenticated, "no");
    };
    EXPECT_EQ(refusal("", nobody), ErrorCode::unauthenticated);
}

}  // namespace
}  // namespace photogate::gateway::http
