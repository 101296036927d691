// Client tokens: signed, read, refused.
#include "gateway/access/client_token.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace photogate::gateway::access {
namespace {

using std::chrono::seconds;

const Timestamp kNow = *parse_rfc3339("2026-11-20T12:00:00Z");

ClientToken example() {
    ClientToken token;
    token.id = "tok_06f3y0000000000000000000aa";
    token.app = AppName::trusted("shop");
    token.profile = ProfileName::trusted("photos");
    token.max_uploads = 3;
    token.max_bytes = 1'000'000;
    token.expires_at = kNow + seconds{60};
    token.metadata = {{"order_id", "A-1001 \"ü\""}};
    return token;
}

std::vector<Secret> secrets(std::initializer_list<const char*> texts) {
    std::vector<Secret> all;
    for (const auto* text : texts)
        all.emplace_back(std::string{text});
    return all;
}

const TokenSigner& ours() {
    static const TokenSigner signer{secrets({"a secret of more than thirty-two characters"})};
    return signer;
}

TEST(ClientToken, verifies_what_was_signed) {
    const auto read = ours().verify(ours().sign(example()), kNow);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, example());
    auto plain = example();
    plain.max_bytes.reset();
    plain.metadata.clear();
    EXPECT_EQ(ours().verify(ours().sign(plain), kNow).value(), plain);
}

TEST(ClientToken, fits_header_and_path_segment) {
    const auto text = ours().sign(example());
    EXPECT_TRUE(looks_like_client_token(text));
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
              std::string::npos);
}

TEST(ClientToken, rejects_any_changed_character) {
    const auto text = ours().sign(example());
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (const char other : {'A', 'b', '0', '-', '.', '='}) {
            auto tampered = text;
            if (tampered[at] == other) continue;
            tampered[at] = other;
            const auto read = ours().verify(tampered, kNow);
            ASSERT_FALSE(read) << at << other;
            ASSERT_EQ(read.error().code, ErrorCode::unauthenticated);
        }
    }
}

TEST(ClientToken, rejects_shortened_extended_or_incomplete_token) {
    const auto text = ours().sign(example());
    for (std::size_t size = 0; size < text.size(); ++size)
        ASSERT_FALSE(ours().verify(text.substr(0, size), kNow)) << size;
    for (const char* more : {"A", "=", ".", ".A", " "})
        EXPECT_FALSE(ours().verify(text + more, kNow)) << more;
    for (const char* nothing : {"", "pgt_", "pgt_.", "pgt_e30.", "pg_shop_x"})
        EXPECT_FALSE(ours().verify(nothing, kNow)) << nothing;
    EXPECT_FALSE(ours().verify("pgt_" + std::string(100'000, 'A') + ".A", kNow));
}

TEST(ClientToken, accepts_rotated_secret_and_rejects_foreign_secret) {
    const TokenSigner foreign{secrets({"a foreign secret, also of some thirty-two characters"})};
    EXPECT_EQ(ours().verify(foreign.sign(example()), kNow).error().code, ErrorCode::unauthenticated);
    const TokenSigner rotated{secrets({"a newer secret, of more than thirty-two characters",
                                       "a secret of more than thirty-two characters"})};
    EXPECT_TRUE(rotated.verify(ours().sign(example()), kNow));
    EXPECT_FALSE(ours().verify(rotated.sign(example()), kNow));
}

TEST(ClientToken, expires_on_its_second) {
    const auto text = ours().sign(example());
    EXPECT_TRUE(ours().verify(text, kNow + seconds{59}));
    EXPECT_EQ(ours().verify(text, kNow + seconds{60}).error().code, ErrorCode::token_expired);
}

}  // namespace
}  // namespace photogate::gateway::access
