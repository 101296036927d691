// Who is believed, in both phases: a token from the head alone, a signed body from head and body.
#include "notifier/events/authenticator.hpp"

#include <map>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/digest.hpp"

namespace photogate::notifier::events {
namespace {

HeadFields head(std::map<std::string, std::string, std::less<>> fields) {
    return [fields = std::move(fields)](std::string_view name) -> std::optional<std::string_view> {
        const auto found = fields.find(name);
        if (found == fields.end()) return std::nullopt;
        return found->second;
    };
}

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
    EXPECT_EQ(tokens.from_body(head({{"authorization", "Bearer a-token"}}), "body"), BodyVerdict::refuse);
}

TEST(TokenAuthenticator, without_tokens_refuses_everybody) {
    const TokenAuthenticator nobody{{}};
    EXPECT_EQ(nobody.from_head(head({{"authorization", ""}})), HeadVerdict::refuse);
    EXPECT_EQ(nobody.from_head(head({})), HeadVerdict::refuse);
}

/// `x-signature: HEX`, the HMAC-SHA256 of the body: what a store that signs its webhooks sends.
class BodySignature final : public Authenticator {
  public:
    explicit BodySignature(std::string_view secret) : key_(as_bytes(secret)) {}
    HeadVerdict from_head(const HeadFields& head) const override {
        return head("x-signature") ? HeadVerdict::need_body : HeadVerdict::refuse;
    }
    BodyVerdict from_body(const HeadFields& head, std::string_view body) const override {
        return head("x-signature") == hex_lower(key_.sign(body)) ? BodyVerdict::accept : BodyVerdict::refuse;
    }

  private:
    signer::HmacKey key_;
};

TEST(BodyAuthenticator, asks_for_the_body_only_where_a_signature_was_sent) {
    const BodySignature signature{"secret"};
    const auto right = hex_lower(signer::HmacKey{as_bytes(std::string_view{"secret"})}.sign("the body"));
    EXPECT_EQ(signature.from_head(head({})), HeadVerdict::refuse);
    const auto sent = head({{"x-signature", right}});
    EXPECT_EQ(signature.from_head(sent), HeadVerdict::need_body);
    EXPECT_EQ(signature.from_body(sent, "the body"), BodyVerdict::accept);
    EXPECT_EQ(signature.from_body(sent, "the body."), BodyVerdict::refuse);
}

}  // namespace
}  // namespace photogate::notifier::events
