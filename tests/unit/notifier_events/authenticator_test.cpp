// Who is believed, in both phases: a token from the head alone, a signed body from head and body.
#include "notifier/events/authenticator.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "sender_heads.hpp"
#include "signer/digest.hpp"

namespace photogate::notifier::events {
namespace {

using testing::head;

TEST(EventTokens, accepts_both_during_rotation) {
    const std::vector<Secret> tokens{Secret{"first"}, Secret{"second"}};
    EXPECT_TRUE(token_matches(tokens, "first"));
    EXPECT_TRUE(token_matches(tokens, "second"));
    for (const auto* wrong : {"", "firs", "first2", "third"})
        EXPECT_FALSE(token_matches(tokens, wrong)) << wrong;
    EXPECT_FALSE(token_matches({}, ""));
}

TEST(TokenAuthenticator, decides_from_the_head_alone) {
    const TokenAuthenticator tokens{{Secret{"a-token"}, Secret{"two words"}}};
    for (const auto* sent : {"Bearer a-token", "bearer a-token", "a-token", "two words", "Bearer two words"})
        EXPECT_EQ(tokens.from_head(head({{"authorization", sent}})), HeadVerdict::accept) << sent;
    for (const auto* sent : {"", "Bearer", "Bearer ", "Bearer a-toke", "Basic a-token", "Bearer  a-token"})
        EXPECT_EQ(tokens.from_head(head({{"authorization", sent}})), HeadVerdict::refuse) << sent;
    EXPECT_EQ(tokens.from_head(head({})), HeadVerdict::refuse);
    EXPECT_EQ(tokens.from_head(head({}, {{"token", "a-token"}})), HeadVerdict::refuse);
    EXPECT_EQ(tokens.from_body(head({{"authorization", "Bearer a-token"}}), "body").verdict,
              BodyVerdict::refuse);
}

TEST(TokenAuthenticator, without_tokens_refuses_everybody) {
    const TokenAuthenticator nobody{{}};
    EXPECT_EQ(nobody.from_head(head({{"authorization", ""}})), HeadVerdict::refuse);
    EXPECT_EQ(nobody.from_head(head({})), HeadVerdict::refuse);
}

TEST(TokenAuthenticator, takes_the_password_of_basic_authentication_whoever_the_user_is) {
    const TokenAuthenticator tokens{{Secret{"a:token"}}, TokenPlace::basic};
    const auto sent = [&](std::string_view pair) {
        return tokens.from_head(head({{"authorization", "Basic " + base64(as_bytes(pair))}}));
    };
    EXPECT_EQ(sent("ceph:a:token"), HeadVerdict::accept);
    EXPECT_EQ(sent(":a:token"), HeadVerdict::accept);
    for (const auto* wrong : {"a:token", "", ":", "ceph:a:toke", "ceph"})
        EXPECT_EQ(sent(wrong), HeadVerdict::refuse) << wrong;
    for (const auto* wrong : {"Bearer a:token", "a:token", "Basic ceph:a:token", "Basic"})
        EXPECT_EQ(tokens.from_head(head({{"authorization", wrong}})), HeadVerdict::refuse) << wrong;
}

TEST(TokenAuthenticator, takes_a_token_only_from_its_place) {
    const TokenAuthenticator in_header{{Secret{"a-token"}}, TokenPlace::header, "x-api-key"};
    EXPECT_EQ(in_header.from_head(head({{"x-api-key", "a-token"}})), HeadVerdict::accept);
    EXPECT_EQ(in_header.from_head(head({{"authorization", "Bearer a-token"}})), HeadVerdict::refuse);
    const TokenAuthenticator in_query{{Secret{"a-token"}}, TokenPlace::query};
    EXPECT_EQ(in_query.from_head(head({}, {{"token", "a-token"}})), HeadVerdict::accept);
    EXPECT_EQ(in_query.from_head(head({}, {{"token", "a-toke"}})), HeadVerdict::refuse);
    EXPECT_EQ(in_query.from_head(head({{"authorization", "Bearer a-token"}})), HeadVerdict::refuse);
}

constexpr const char* kB2 = "x-bz-event-notification-signature";
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

std::string b2_signature(std::string_view body, std::string_view secret = kSecret) {
    return "v1=" + hex_lower(signer::hmac_sha256(as_bytes(secret), as_bytes(body)));
}

TEST(B2Authenticator, asks_for_the_body_only_where_a_signature_was_sent) {
    const B2Authenticator b2{{Secret{std::string{kSecret}}}};
    EXPECT_EQ(b2.from_head(head({})), HeadVerdict::refuse);
    for (const auto* wrong :
         {"", "v1=", "v1=00", "v2=0000000000000000000000000000000000000000000000000000000000000000"})
        EXPECT_EQ(b2.from_head(head({{kB2, wrong}})), HeadVerdict::refuse) << wrong;
    EXPECT_EQ(b2.from_head(head({{kB2, b2_signature("x")}})), HeadVerdict::need_body);
    EXPECT_EQ(B2Authenticator{{}}.from_head(head({{kB2, b2_signature("x", "")}})), HeadVerdict::refuse);
}

TEST(B2Authenticator, proves_the_body_by_any_secret_and_no_other_body) {
    const B2Authenticator b2{{Secret{std::string(32, 'n')}, Secret{std::string{kSecret}}}};
    const auto sent = head({{kB2, b2_signature("the body")}});
    EXPECT_EQ(b2.from_body(sent, "the body").verdict, BodyVerdict::accept);
    EXPECT_EQ(b2.from_body(sent, "the body.").verdict, BodyVerdict::refuse);
    EXPECT_EQ(b2.from_body(sent, "").verdict, BodyVerdict::refuse);
    const auto other = head({{kB2, b2_signature("the body", std::string(32, 'o'))}});
    EXPECT_EQ(b2.from_body(other, "the body").verdict, BodyVerdict::refuse);
    const auto not_hex = head({{kB2, "v1=" + std::string(64, 'g')}});
    EXPECT_EQ(b2.from_body(not_hex, "the body").verdict, BodyVerdict::refuse);
}

}  // namespace
}  // namespace photogate::notifier::events
