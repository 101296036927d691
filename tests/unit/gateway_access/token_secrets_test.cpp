#include "gateway/access/token_secrets.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "gateway/access/client_token.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {
namespace {

const Timestamp kNow = *parse_rfc3339("2026-11-20T12:00:00Z");

std::map<std::string, Secret> workers(std::initializer_list<std::pair<const char*, const char*>> regions) {
    std::map<std::string, Secret> all;
    for (const auto& [name, secret] : regions)
        all.emplace(name, Secret{secret});
    return all;
}

TokenSigner gateway(std::initializer_list<std::pair<const char*, const char*>> regions,
                    const std::string& designated) {
    return TokenSigner{derive_token_secrets(workers(regions), designated)};
}

std::string token_of(const TokenSigner& signer) {
    ClientToken token;
    token.id = "tok_06f3y0000000000000000000aa";
    token.app = AppName::trusted("shop");
    token.profile = ProfileName::trusted("photos");
    token.max_uploads = 1;
    token.expires_at = kNow + std::chrono::seconds{60};
    return signer.sign(token);
}

TEST(TokenSecrets, derive_from_one_region_as_version_0_1_did) {
    const signer::HmacKey worker{as_bytes(std::string_view{"worker secret of m"})};
    const TokenSigner earlier{{Secret{hex_lower(worker.sign("photogate client tokens, 1"))}}};
    const auto now = gateway({{"m", "worker secret of m"}}, "m");
    EXPECT_TRUE(now.verify(token_of(earlier), kNow));
    EXPECT_TRUE(earlier.verify(token_of(now), kNow));
}

TEST(TokenSecrets, keep_tokens_valid_when_a_region_is_added_that_sorts_first) {
    const auto token = token_of(gateway({{"m", "worker secret of m"}}, "m"));
    for (const char* designated : {"m", "a", ""}) {
        const auto later = gateway({{"a", "worker secret of a"}, {"m", "worker secret of m"}}, designated);
        EXPECT_TRUE(later.verify(token, kNow)) << designated;
    }
}

TEST(TokenSecrets, sign_with_the_designated_region) {
    const auto two = gateway({{"a", "worker secret of a"}, {"m", "worker secret of m"}}, "m");
    EXPECT_TRUE(gateway({{"m", "worker secret of m"}}, "m").verify(token_of(two), kNow));
    EXPECT_FALSE(gateway({{"a", "worker secret of a"}}, "a").verify(token_of(two), kNow));
}

TEST(TokenSecrets, keep_tokens_valid_when_another_region_gets_a_new_worker_secret) {
    const auto token = token_of(gateway({{"a", "old secret of a"}, {"m", "worker secret of m"}}, "m"));
    EXPECT_TRUE(gateway({{"a", "new secret of a"}, {"m", "worker secret of m"}}, "m").verify(token, kNow));
}

TEST(TokenSecrets, skip_regions_without_a_secret) {
    EXPECT_TRUE(derive_token_secrets({}, "m").empty());
    EXPECT_TRUE(derive_token_secrets(workers({{"m", ""}}), "m").empty());
    EXPECT_EQ(derive_token_secrets(workers({{"a", "x"}, {"m", ""}}), "m").size(), 1U);
}

}  // namespace
}  // namespace photogate::gateway::access
